"""Puts a golden case of a surface other than a firewall to the product, and answers in the words of the cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient
from allowlist.errors import TargetConflict, TargetUnavailable
from allowlist.points.agent_egress import judge as policies
from allowlist.points.agent_egress.translate import EgressPolicy
from allowlist.points.allow_list import judge as lists
from allowlist.points.allow_list.translate import AllowList
from allowlist.points.managed import judge as networks
from allowlist.points.managed import validate
from allowlist.points.managed.network import ManagedNetwork, OutboundRule
from allowlist.points.security_perimeter import translate as perimeter
from allowlist.points.verdict import Judgement, Refusal, Word, strictest
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.requirement import Origin, Requirement

Case = dict[str, Any]
_PLATFORMS: dict[str, Any] = {"hub_managed_network": "hub", "account_managed_network": "account"}
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
    if "desired" in case:
        rules = networks.compare_rules(network_of(case), case["desired"])
        return list(rules.values())
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
            return strictest({"managed_network": below, "agent_egress_policy": mine})
        case "network_security_perimeter":
            profile = perimeter.AccessProfile(mode=given["accessMode"], rules=given["accessRules"])
            return perimeter.PerimeterJudge(profile, [requirement]).judge(requirement)
        case _:
            network = replace(network_of(case), spark=wanted.get("workload") == "serverless_spark")
            ours = _OWNERS.get(wanted.get("resourceType", ""))
            return networks.NetworkJudge(network, [requirement]).judge(requirement, ours=ours)


def _refused(refusals: Iterator[Refusal]) -> Judgement | None:
    found = next(refusals, None)
    return None if found is None else Judgement(word=Word.INVALID, reason=found.reason, text=found.text)


_FINE = Judgement(word=Word.CHANGE)


def _proposed(case: Case, proposed: dict[str, Any]) -> Judgement:
    match case["surface"]:
        case "account_dlp":
            return _refused(lists.refusals_of_entries(proposed["allowedFqdnList"])) or _list_change(
                case, proposed
            )
        case "hosted_agent_egress_policy":
            return _policy_change(case, proposed)
        case "network_security_perimeter":
            others = (case.get("given") or {}).get("accessRules") or {}
            return _refused(perimeter.refusals_of_rule(proposed, others.values())) or _FINE
        case _:
            return _network_change(case, proposed)


def _list_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    given = case.get("given") or {}
    old, new = (
        AllowList.of("golden", given.get("kind", "OpenAI"), _properties(body)) for body in (given, proposed)
    )
    same = bool(given) and set(old.normal_entries) == set(new.normal_entries)
    return Judgement(word=Word.NO_CHANGE) if same else _FINE


def _policy_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    count = proposed.get("rules_length", len((proposed.get("egressPolicy") or {}).get("rules") or ()))
    refused = _refused(policies.refusals_of_count(count))
    if refused or "readback" not in case:
        return refused or _FINE
    old, new = (EgressPolicy.of("golden", body["egressPolicy"]) for body in (proposed, case["readback"]))
    return Judgement(word=Word.NO_CHANGE) if old.meaning == new.meaning else _FINE


def _network_change(case: Case, proposed: dict[str, Any]) -> Judgement:
    network = network_of(case)
    if "networkInjections" in proposed:
        account = case["given"]["account"]
        return _refused(validate.refusals_of_account(account, proposed)) or _FINE
    if "rule" in proposed:
        rule = OutboundRule.of(proposed.pop("rule"), proposed)
        refused = _refused(validate.refusals_of_rule(network, rule))
        gates = validate.gates_of_rule(network, rule)
        return refused or (Judgement(word=Word.GATE, warnings=gates) if gates else _FINE)
    refused = _refused(validate.refusals_of_settings(network, proposed))
    gates = validate.gates_of_settings(network, proposed)
    return refused or (Judgement(word=Word.GATE, warnings=gates) if gates else _FINE)


def _present(case: Case) -> Judgement:
    """The verdict on what is there, with nothing asked of it."""
    given = case["given"]
    if case["surface"] == "account_dlp":
        found = lists.judge_kind(AllowList.of("golden", given["kind"], _properties(given)))
        return found or Judgement(word=Word.NO_CHANGE)
    return next(iter(networks.compare_rules(network_of(case), {}).values()))


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
        return {"result": "applied" if network.isolation == wanted and network.is_settled else "unknown"}
    return {"result": "answered"}
