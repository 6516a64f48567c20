"""Puts a golden case of a surface other than a firewall to the product, and answers in the words of the cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient
from allowlist.errors import PlanRefused, TargetConflict, TargetUnavailable
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Operation
from allowlist.points.agent_egress import judge as policies
from allowlist.points.agent_egress.translate import EgressPolicy
from allowlist.points.allow_list import judge as lists
from allowlist.points.allow_list.translate import AllowList
from allowlist.points.kind import kind_of
from allowlist.points.managed import judge as networks
from allowlist.points.managed import validate
from allowlist.points.managed.network import ManagedNetwork, OutboundRule
from allowlist.points.managed.translate import COLLECTION
from allowlist.points.point import Point, Target
from allowlist.points.security_perimeter import translate as perimeter
from allowlist.points.verdict import Judgement, Refusal, Word
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.requirement import Origin, Requirement

Case = dict[str, Any]
_PLATFORMS: dict[str, Any] = {"hub_managed_network": "hub", "account_managed_network": "account"}


class Told(StrEnum):
    """Words of the cases about writes and rules that are there; of a requirement the product has words itself."""

    INVALID = "invalid"
    UNMANAGED = "unmanaged"
    EXCESS = "excess"
    NO_CHANGE = "no_change"
    CHANGE = "change"
    GATE = "needs_approval_gate"


_OWNERS = {"not_customer_owned": False, "customer_owned": True}
_RULES = "/subscriptions/s/resourceGroups/r/providers/Microsoft.CognitiveServices/accounts/a/managedNetworks/default/outboundRules"


def _properties(given: dict[str, Any]) -> dict[str, Any]:
    """The members of the account itself: a case says its kind beside them."""
    members = ("restrictOutboundNetworkAccess", "allowedFqdnList", "provisioningState")
    return {key: given[key] for key in members if key in given}


def requirement_of(wanted: Mapping[str, Any]) -> Requirement:
    """``protocol: TCP`` on a web port is what application rules call http or https."""
    port = wanted.get("port", 443)
    protocol = {80: "http", 443: "https"}.get(port, str(wanted.get("protocol", "tcp")).lower())
    return Requirement(
        origin=Origin(catalog="golden", version="1.0.0", entry="x"),
        sources=EVERYWHERE,
        protocol=protocol,
        ports=(port, port),
        pattern=wanted["fqdn"],
    )


def network_of(case: Case, given: Mapping[str, Any] | None = None) -> ManagedNetwork:
    given = dict(case.get("given") or {}) if given is None else dict(given)
    body = {key: value for key, value in given.items() if key != "networkStatus"}
    if "networkStatus" in given:
        body["status"] = {"status": given["networkStatus"]}
    return ManagedNetwork.of("golden", _PLATFORMS.get(case["surface"], "account"), body)


def wanted_of(case: Case) -> list[dict[str, Any]]:
    wanted = case.get("required") or []
    return wanted if isinstance(wanted, list) else [wanted]


def judgements(case: Case) -> list[Judgement]:
    """One verdict per requirement, or one on what is proposed, desired or simply there."""
    if wanted_of(case):
        return [_required(case, item) for item in wanted_of(case)]
    if case.get("desired"):
        return [_rewritten(case)]
    if "proposed" in case:
        return [_proposed(case, dict(case["proposed"]))]
    return [_present(case)]


def _required(case: Case, wanted: dict[str, Any]) -> Judgement:
    requirement = requirement_of(wanted)
    given = case["given"]
    match case["surface"]:
        case "account_dlp":
            allowed = AllowList.of("golden", given["kind"], _properties(given))
            return lists.ListJudge(allowed, [requirement]).judge(requirement)
        case "hosted_agent_egress_policy":
            policy = EgressPolicy.of("golden", given["egressPolicy"], given.get("attached"))
            mine = policies.PolicyJudge(policy, [requirement]).judge(requirement)
            if "managedNetwork" not in given:
                return mine
            network = network_of(case, given["managedNetwork"])
            below = networks.NetworkJudge(network, [requirement]).judge(requirement)
            assert mine.word is Word.COVERED, mine
            assert below.word is not Word.COVERED, below
            return below
        case "network_security_perimeter":
            profile = perimeter.AccessProfile(mode=given["accessMode"], rules=given["accessRules"])
            return perimeter.PerimeterJudge(profile, [requirement]).judge(requirement)
        case _:
            network = replace(network_of(case), spark=wanted.get("workload") == "serverless_spark")
            ours = _OWNERS.get(wanted.get("resourceType", ""))
            return networks.NetworkJudge(network, [requirement]).judge(requirement, ours=ours)


def _word(told: Told) -> Any:
    """A word of the cases where the product's own would stand."""
    return told


def _judged(told: Told, **rest: Any) -> Judgement:
    return Judgement(word=_word(told), **rest)


def _refused(refusals: Iterator[Refusal]) -> Judgement | None:
    found = next(refusals, None)
    return None if found is None else _judged(Told.INVALID, reason=found.reason, text=found.text)


_FINE = _judged(Told.CHANGE)


def _proposed(case: Case, proposed: dict[str, Any]) -> Judgement:
    match case["surface"]:
        case "account_dlp":
            return _list_change(case, proposed)
        case "hosted_agent_egress_policy":
            return _policy_change(case, proposed)
        case "network_security_perimeter":
            others = (case.get("given") or {}).get("accessRules") or {}
            return _refused(perimeter.refusals_of_rule(proposed, others.values())) or _FINE
        case _:
            return _network_change(case, proposed)


def _list_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    """The entries as requirements of a list that counts: what the list cannot carry is refused by its reason."""
    given = case.get("given") or {}
    allowed = AllowList.of("golden", given.get("kind", "OpenAI"), {"restrictOutboundNetworkAccess": True})
    wanted = [requirement_of({"fqdn": entry}) for entry in proposed["allowedFqdnList"]]
    judge = lists.ListJudge(allowed, wanted)
    refused = (found for item in wanted if (found := judge.judge(item)).word is Word.BLOCKED)
    return next((replace(found, word=_word(Told.INVALID)) for found in refused), _FINE)


def _policy_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    if "rules_length" in proposed:
        return _too_long(int(proposed["rules_length"]))
    old, new = (EgressPolicy.of("golden", body["egressPolicy"]) for body in (proposed, case["readback"]))
    return _judged(Told.NO_CHANGE) if old.meaning == new.meaning else _FINE


_LIMITS = {"maximum-480-rules": "maximum_480_rules_per_policy"}
"""Limits as a plan calls them, and as the cases do."""


def _too_long(count: int) -> Judgement:
    rules = [
        {"name": f"r{at}", "ruleType": "Fqdn", "match": {"host": f"h{at}.example"}} for at in range(count)
    ]
    egress = {"mode": "Enforced", "defaultAction": "Deny", "rules": rules}
    resource = f"{_ACCOUNT}/raiPolicies/golden"
    estate = Estate.of([{"id": resource, "name": "golden", "properties": {"egressPolicy": egress}}])
    passed = (item for item in _point("agent-egress", resource).limits(estate) if item.exceeded)
    return next((_judged(Told.INVALID, reason=_LIMITS[item.code], text=item.text) for item in passed), _FINE)


def _network_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    network = network_of(case)
    if "networkInjections" in proposed:
        return _without_network(case)
    if "rule" in proposed:
        rule = OutboundRule.of(proposed.pop("rule"), proposed)
        refused = _refused(validate.refusals_of_rule(network, rule))
        gates = validate.gates_of_rule(network, rule)
        return refused or (_judged(Told.GATE, warnings=gates) if gates else _FINE)
    return _refused(validate.refusals_of_settings(network, proposed)) or _settings_change(case, proposed)


def _without_network(case: Case) -> Judgement:
    """An account whose injections were not chosen when it was made: nothing is planned, and the reason is told."""
    body = {"id": _ACCOUNT, "name": "golden", "kind": case["given"]["account"]["kind"], "properties": {}}
    draft = _point("account-network", _ACCOUNT).draft(
        Estate.of([body]), [requirement_of({"fqdn": "a.example"})], []
    )
    ((_, text),) = draft.inexpressible
    assert not draft.changes
    assert "chosen when an account is created" in text
    return _judged(Told.INVALID, reason="set_only_at_account_creation", text=text)


_ONE_WAY = {
    "cannot be undone": "irreversible",
    "required rules are added": "adds_required_rules",
    "everything without a rule is cut off": "breaks_unlisted_egress",
}
"""What the gate of a one-way step says, and what the cases call it."""


def _settings_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    """The step as it is drafted: what cannot be undone is a gate."""
    options = {"isolation_mode": proposed["isolationMode"]} if "isolationMode" in proposed else {}
    draft = _point(*_place_of(case), **options).draft(_estate_of(case), [], [])
    (cost,) = [item.cost for item in draft.changes]
    told = tuple(code for text, code in _ONE_WAY.items() if text in cost.irreversible)
    return _judged(Told.GATE, warnings=told, text=cost.irreversible) if told else _FINE


_ACCOUNT = "/subscriptions/s/resourceGroups/r/providers/Microsoft.CognitiveServices/accounts/a"
_HUB = "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/h"


def _place_of(case: Case) -> tuple[str, str]:
    is_hub = case["surface"] == "hub_managed_network"
    return ("hub-network", _HUB) if is_hub else ("account-network", _ACCOUNT)


def _point(surface: str, resource: str, **options: Any) -> Point:
    return kind_of(surface).bind(
        Target(
            name="t", workload="golden", surface=surface, resource=resource, delete="sync", options=options
        )
    )


def _estate_of(case: Case) -> Estate:
    surface, resource = _place_of(case)
    properties = {"managedNetwork": case.get("given") or {}}
    network = resource if surface == "hub-network" else f"{resource}/managedNetworks/default"
    return Estate.of([{"id": network, "name": "golden", "properties": properties}])


def _rewritten(case: Case) -> Judgement:
    """The only rule as it stands against the same rule as it is desired: by meaning, never by spelling."""
    ((name, desired),) = case["desired"].items()
    rule = network_of(case).rule(name)
    assert rule is not None
    same = rule.meaning == OutboundRule.of(name, desired).meaning
    return _judged(Told.NO_CHANGE if same else Told.CHANGE, by=name)


def _present(case: Case) -> Judgement:
    """The verdict on what is there, with nothing asked of it."""
    given = case["given"]
    if case["surface"] == "account_dlp":
        found = lists.judge_kind(AllowList.of("golden", given["kind"], _properties(given)))
        return found or _judged(Told.NO_CHANGE)
    return _unasked(case)


def _unasked(case: Case) -> Judgement:
    """A rule nobody asks for is left alone; a rule of the service is not even written when somebody insists."""
    point, estate = _point(*_place_of(case)), _estate_of(case)
    (name,) = case["given"]["outboundRules"]
    assert not [item for item in point.draft(estate, [], []).changes if item.operation.path[-1] == name]
    removal = Operation(
        action="remove",
        surface=point.target.surface,
        resource=f"{point.target.resource}/outboundRules/{name}",
        path=(COLLECTION, name),
        before=None,
        after=None,
        context={},
    )
    try:
        point.compose(estate, [removal])
    except PlanRefused as error:
        return _judged(Told.UNMANAGED, by=name, text=str(error))
    return _judged(Told.EXCESS, by=name)


class Script:
    """Answers a client in order, as the service of a case does."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def send(self, method: str, url: str, body: bytes | None) -> Answer:
        del body
        self.asked.append((method, url))
        return self.answers.pop(0)

    def close(self) -> None:
        self.answers.clear()


def _answer(status: int, body: Any = None, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode() if body is not None else b"")


def _error(status: int, code: str, message: str = "m") -> Answer:
    return _answer(status, {"error": {"code": code, "message": message}})


def _client(*answers: Answer) -> tuple[ArmClient, Script]:
    script = Script(answers)
    client = ArmClient("https://arm.example", lambda _: script, sleep=lambda _: None, jitter=lambda: 1.0)
    return client, script


_OPERATION = "https://arm.example/subscriptions/s/providers/Microsoft.CognitiveServices/locations/weu/operationResults/o"


def conversation(case: Case) -> dict[str, Any]:
    """What the client makes of the answers of a case about the wire."""
    said = case["service_answer"]
    name = str(case["proposed"].get("name") or case["proposed"].get("rule") or "")
    if isinstance(said, Mapping) and said.get("code") == "Conflict":
        return _conflict(f"{_RULES}/{name}", str(said["message_contains"]))
    if isinstance(said, Mapping):
        return _transient(case, str(said["error_code"]))
    if case["proposed"]["op"] == "delete_rule":
        client, script = _client(
            _answer(202, location=f"{_OPERATION}?api-version=1"), _error(404, "NotFound")
        )
        client.delete(f"{_RULES}/{name}", "2026-03-01")
        return {"result": "deleted", "left": script.answers}
    client, script = _client(_answer(202, location=_OPERATION), _answer(200, {"properties": {}}))
    client.put(f"{_RULES}/{name}", {}, "2026-03-01")
    sent = script.asked[0][1].rpartition("api-version=")[2]
    completed = script.asked[1][1] == f"{_OPERATION}?api-version={sent}"
    return {
        "behaviour": "client adds its api-version to a Location that has none, then polls"
        if completed
        else ""
    }


def _conflict(resource: str, message: str) -> dict[str, Any]:
    client, _ = _client(_error(409, "Conflict", f"The network {message}"))
    try:
        client.put(resource, {}, "2026-03-01")
    except TargetConflict as error:
        return {"verdict": "conflict_retry" if error.is_busy else "refused"}
    return {"verdict": "accepted"}


def _transient(case: Case, code: str) -> dict[str, Any]:
    """The client says that nobody knows; reading back decides."""
    client, _ = _client(
        _answer(202, location=f"{_OPERATION}?api-version=1"),
        _error(500, code),
        *[_error(500, code)] * 9,
    )
    try:
        client.patch(_RULES.rpartition("/")[0], {}, "2026-03-01")
    except TargetUnavailable:
        network = network_of(case, case["readback"])
        wanted = case["proposed"]["isolationMode"]
        return {
            "result": "applied" if network.isolation == wanted and network.state == "Succeeded" else "unknown"
        }
    return {"result": "answered"}
