"""A rule that is read without looking at every field is the rule that looking at every field reads."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.estate.bodies import Estate
from allowlist.points.firewall.validate import _application_faults, _Usual
from allowlist.points.rule_reader import APPLICATION, Frame, RuleReader
from allowlist.rules.model import RuleRef
from tests.helpers.laws import among, examples

REF = RuleRef(policy="p", group="g", collection="c", rule="r", order=(0, 100, 100, 0))
NAMES = [
    "a.example",
    "*.a.example",
    "*a.example",
    "A.example",
    "*.A.example.",
    "a.example:443",
    "",
    "bücher.example",
    7,
    None,
]
ADDRESSES = ["10.0.0.0/24", "*", "10.0.0.1-10.0.0.9", "VirtualNetwork", "::1", "", None]
PROTOCOLS: list[Any] = [{"protocolType": "Https", "port": 443}, {"protocolType": "Http", "port": 80}]
PROTOCOLS += [{"protocolType": "Https"}, {"protocolType": "Ftp", "port": 21}, {"port": 443}, "[x]"]
PLACE = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/ipGroups"
ESTATE = Estate.of(
    {"id": f"{PLACE}/{name}", "name": name, "properties": {"ipAddresses": texts}}
    for name, texts in (("known", ["10.0.3.0/24"]), ("empty", []), ("odd", ["x"]))
)
GROUPS: list[Any] = [f"{PLACE}/{name}" for name in ("known", "Known", "empty", "lost", "odd")] + ["", 7]
NOTHING: list[Any] = [[], [], [], None, "", {}, False, ["x"], "x"]


def _first(values: list[Any], *counts: int) -> list[st.SearchStrategy[Any]]:
    return [st.sampled_from(values[:count]) for count in counts]


def _lists(values: list[Any], most: int, *counts: int) -> st.SearchStrategy[Any]:
    return st.sampled_from([st.lists(some, max_size=most) for some in _first(values, *counts)])


_SOME_NAMES = _lists(NAMES, 3, 2, 5, 10)
_SOME_ADDRESSES = _lists(ADDRESSES, 2, 3, 7)
_SOME_PROTOCOLS = _lists(PROTOCOLS, 2, 2, 6)
_SOME_NOTHING = st.sampled_from(_first(NOTHING, 3, 9))
_SOME_GROUPS = st.lists(st.sampled_from(GROUPS), max_size=2)
_DESCRIPTIONS = st.sampled_from(["", None, "allowlist:w:own@w#e", "x"])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Rules that are usual but for a thing or two."""
    rule: dict[str, Any] = {
        "ruleType": APPLICATION,
        "name": "r",
        "targetFqdns": draw(draw(_SOME_NAMES)),
        "sourceAddresses": draw(draw(_SOME_ADDRESSES)),
        "protocols": draw(draw(_SOME_PROTOCOLS)),
    }
    keys = ["sourceIpGroups", "fqdnTags", "webCategories", "targetUrls", "destinationAddresses"]
    for key in [*keys, "httpHeadersToInsert", "terminateTLS", "TerminateTls", "priority"]:
        if draw(st.booleans()):
            rule[key] = draw(draw(_SOME_NOTHING))
    if draw(st.booleans()):
        rule["terminateTLS"] = False
    if draw(st.booleans()):
        rule["sourceIpGroups"] = draw(_SOME_GROUPS)
    rule["description"] = draw(_DESCRIPTIONS)
    for key in draw(st.sets(among(*sorted(rule)), max_size=1)):
        del rule[key]
    return rule


FRAMES = [Frame(action="allow"), Frame(action="deny"), Frame(action="dnat")]
FRAMES += [Frame(action="allow", state="group g is Failed"), Frame(action="deny", doubts=("x",))]


@settings(max_examples=examples(800), deadline=None)
@given(rules(), st.sampled_from(FRAMES))
def test_a_usual_rule_is_read_as_any_other(rule: dict[str, Any], frame: Frame) -> None:
    class Thorough(RuleReader):
        def _usual(self, ref: RuleRef, frame: Frame, rule: dict[str, Any]) -> None:
            return None

    quick, thorough = (kind(ESTATE, protocols="ipProtocols") for kind in (RuleReader, Thorough))
    found = quick.read(rule.get("ruleType"), REF, frame, rule)
    event(f"opaque: {found != [found[0]] or bool(found[0].unresolved)}")
    assert found == thorough.read(rule.get("ruleType"), REF, frame, rule)


@settings(max_examples=examples(400), deadline=None)
@given(rules())
def test_a_usual_rule_has_no_faults(rule: dict[str, Any]) -> None:
    usual = _Usual().holds(rule)
    event(f"usual: {usual}")
    assert not usual or not list(_application_faults(rule, {"sku": {"tier": "Basic"}}))
