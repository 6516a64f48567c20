"""Whatever members an estate lacks or holds as null, a report is made; where less is known, nothing is claimed fine."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from tests.helpers.laws import examples
from tests.helpers.posture import clean_bodies, posture_of, told

Path = tuple[str, ...]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every member below ``properties`` of a body."""
    found: list[tuple[Any, ...]] = [path] if len(path) > 1 else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


CLEAN = clean_bodies()
AROUND = [key for key in sorted(CLEAN) if "/firewallpolicies/" not in key]
ALL = [(key, path) for key in AROUND for path in places(CLEAN[key]) if path[0] == "properties"]


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
