"""Whatever members an estate lacks or holds as null, a report is made; where less is known, nothing is claimed fine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from allowlist.estate.unread import unread_body
from allowlist.network.observation import State
from tests.helpers.laws import examples
from tests.helpers.posture import PLANTS, Plant, clean_bodies, posture_of, told

Path = tuple[str, ...]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every member below ``properties`` of a body."""
    found: list[tuple[Any, ...]] = [path] if len(path) > 1 else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


CLEAN = clean_bodies()
AROUND = [key for key in sorted(CLEAN) if "/rulecollectiongroups/" not in key]
READ = ("properties", "sku", "kind", "zones", "identity", "tags", "location")
ALL = [
    (key, path)
    for key in AROUND
    for path in [*((name,) for name in READ if name in CLEAN[key]), *places(CLEAN[key])]
    if path[0] in READ
]


def without(bodies: dict[str, Any], key: str, path: tuple[Any, ...], kind: str) -> None:
    holder = bodies[key]
    for part in path[:-1]:
        try:
            holder = holder[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(holder, dict) and path[-1] in holder:
        if kind == "gone":
            del holder[path[-1]]
        else:
            holder[path[-1]] = {"null": None, "empty": [], "text": "?"}[kind]


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(ALL), min_size=1, max_size=4),
    st.sampled_from(["gone", "null", "empty", "text"]),
)
@example([next(item for item in ALL if item[1][-1] == "aRecords")], "text")
def test_a_lost_member_never_breaks_the_report(lost: list[tuple[str, tuple[Any, ...]]], kind: str) -> None:
    bodies = clean_bodies()
    for key, path in lost:
        without(bodies, key, path, kind)
    try:
        posture_of(Estate.of(bodies.values()))
    except AllowlistError:
        return


def _not_met(bodies: dict[str, Any]) -> list[str]:
    """What is certainly not as it should be."""
    try:
        found = posture_of(Estate.of(bodies.values()))
    except AllowlistError:
        return []
    return [item.id for item in found.findings if item.observation.state is State.NOT_MET]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(AROUND))
@example(next(key for key in AROUND if "/routetables/" in key))
@example(next(key for key in AROUND if key.endswith("/accounts/contoso-ai")))
@example(next(key for key in AROUND if "/azurefirewalls/" in key))
@example(next(key for key in AROUND if key.endswith("/firewallpolicies/afwp-hub")))
def test_of_a_resource_that_was_not_read_nothing_is_certainly_wrong(key: str) -> None:
    """All is as it should be in this network, and so it may be where one of its resources was not read."""
    bodies = clean_bodies()
    bodies[key] = {**bodies[key], **unread_body(str(bodies[key]["id"]), "listed without its properties")}
    assert _not_met(bodies) == []


EXPRESSION = "[parameters('x')]"


def _put(bodies: dict[str, Any], key: str, path: tuple[Any, ...]) -> None:
    holder = bodies[key]
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = EXPRESSION


def _place(ending: str, *path: Any) -> tuple[str, tuple[Any, ...]]:
    return next(item for item in ALL if item[0].endswith(ending) and item[1] == ("properties", *path))


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ALL))
@example(next(item for item in ALL if item[1][-1] == "virtualNetwork"))
@example(next(item for item in ALL if item[1][-1] == "routes"))
@example(next(item for item in ALL if item[1][-1] == "publicNetworkAccess"))
@example(_place("/rt-apim", "routes", 1))
@example(_place("/rt-apim", "routes", 1, "properties", "addressPrefix"))
@example(_place("/afw-hub", "firewallPolicy"))
@example(_place("/afwp-hub", "threatIntelMode"))
@example(_place("/afwp-hub", "dnsSettings", "enableProxy"))
@example(_place("/vnet-ai", "dhcpOptions"))
@example(_place("/vnet-ai", "subnets", 1, "properties"))
def test_an_expression_makes_nothing_certainly_wrong(place: tuple[str, tuple[Any, ...]]) -> None:
    """Wherever it stands: also as one item of a list, whose absence is then not certain."""
    bodies = clean_bodies()
    _put(bodies, *place)
    assert _not_met(bodies) == []


def _hidden(plant: Plant) -> list[tuple[str, tuple[Any, ...]]]:
    """Every place in what a fault touches."""
    bodies, before = clean_bodies(), clean_bodies()
    plant.edit(bodies)
    touched = [key for key in bodies if before.get(key) != bodies[key] and key in AROUND]
    return [
        (key, path)
        for key in touched
        for path in [*((name,) for name in READ[1:] if name in bodies[key]), *places(bodies[key])]
        if path[0] in READ
    ]


HIDDEN = [(plant, *place) for plant in PLANTS for place in _hidden(plant)]


def _behind(name: str, *path: Any) -> tuple[Plant, str, tuple[Any, ...]]:
    return next(item for item in HIDDEN if item[0].name == name and item[2] == ("properties", *path))


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(HIDDEN))
@example(_behind("management route gone", "routes", 0))
@example(_behind("gateway tunnelled", "subnets", 5))
@example(_behind("pending endpoint", "privateLinkServiceConnections", 0))
@example(_behind("rejected by its owner", "privateEndpointConnections", 0))
@example(_behind("public jumpbox", "ipConfigurations", 0, "properties", "subnet", "id"))
@example(_behind("learned routes", "virtualNetworkPeerings", 0))
@example(_behind("service endpoint", "subnets", 0, "id"))
def test_an_expression_hides_no_fault(place: tuple[Plant, str, tuple[Any, ...]]) -> None:
    """What is wrong stays wrong or becomes unknown, whatever is put in its place or in that of a neighbour."""
    plant, key, path = place
    bodies = clean_bodies()
    plant.edit(bodies)
    _put(bodies, key, path)
    try:
        found = posture_of(Estate.of(bodies.values()))
    except AllowlistError:
        return
    assert plant.code in {item.observation.code for item in found.pending}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_is_wrong_is_not_fine_where_it_was_not_read(plant: Plant) -> None:
    """No better answer for less knowledge: a fault whose resource was not read is still pending."""
    bodies = clean_bodies()
    before = clean_bodies()
    plant.edit(bodies)
    touched = [
        key for key, body in bodies.items() if before.get(key) != body and "/firewallpolicies/" not in key
    ]
    for key in touched:
        bodies[key] = {**bodies[key], **unread_body(str(bodies[key]["id"]), "not saved")}
    if not touched:
        pytest.skip("the fault is that something is absent, or it is in the rules")
    try:
        found = posture_of(Estate.of(bodies.values()))
    except AllowlistError:
        return
    assert found.pending


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_of_lists_changes_nothing(random: Any) -> None:
    bodies = clean_bodies()
    for key in AROUND:
        for name in ("subnets", "routes", "securityRules", "privateEndpointConnections", "ipConfigurations"):
            items = bodies[key]["properties"].get(name)
            if isinstance(items, list):
                random.shuffle(items)
    assert told(posture_of(Estate.of(bodies.values()))) == set()


def flattened(value: Any) -> Any:
    """As the Azure command line prints it: no ``properties`` anywhere."""
    if isinstance(value, list):
        return [flattened(item) for item in value]
    if isinstance(value, dict):
        inner = value.get("properties")
        outer = {key: flattened(item) for key, item in value.items() if key != "properties"}
        return outer | (flattened(inner) if isinstance(inner, dict) else {})
    return value


def test_what_the_command_line_prints_reads_the_same() -> None:
    bodies = []
    for key, body in clean_bodies().items():
        if "/firewallpolicies/" in key or "microsoft.network/" not in key:
            bodies.append(body)
        else:
            bodies.append({**body, "properties": flattened(body["properties"])})
    assert told(posture_of(Estate.of(bodies))) == set()
