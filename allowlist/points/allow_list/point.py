"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` on ``Microsoft.CognitiveServices/accounts``.

The one generally available SDK with an operation for it (azure-mgmt-cognitiveservices 14.1.0) is not worth a second
stack for one PATCH, so accounts are spoken to over httpx with an azure-identity token like their networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allowlist.azure.facts import api_version
from allowlist.documents import digest_of
from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding
from allowlist.plan.model import Operation
from allowlist.points.allow_list.draft import ListOptions, draft, options_of
from allowlist.points.allow_list.judge import MAX_ENTRIES, ListJudge, posture
from allowlist.points.allow_list.translate import (
    COLLECTION,
    SWITCH,
    AllowList,
    normal_entry,
    to_ruleset,
)
from allowlist.points.managed.network import lowered
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.unmet import Unmet
from allowlist.points.verdict import refined
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

API_VERSION = api_version("Microsoft.CognitiveServices/accounts")
_NEAR = 0.9


class AccountAllowList(Point):
    """The outbound list of one account, written whole: arrays of a PATCH replace what stood there."""

    api_version = API_VERSION
    options_type = ListOptions

    def read(self, arm: ArmReader) -> list[Body]:
        account = arm.get(self.target.resource, API_VERSION)
        return [{**account, "id": account.get("id") or self.target.resource}]

    def allowed(self, estate: Estate) -> AllowList:
        account = estate.get(self.target.resource)
        if account is None:
            raise InvalidInput.of(estate.origin or "estate", f"lacks the account {self.target.resource}")
        name = str(account.get("name") or self.target.resource.rpartition("/")[2])
        return AllowList.of(name, str(account.get("kind") or ""), account["properties"])

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(self.allowed(estate))

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        wildcards = options_of(self.target).unverified_wildcards
        judge = ListJudge(self.allowed(estate), [item for item, _ in findings], wildcards=wildcards)
        return [refined(finding, judge.judge(item)) for item, finding in findings]

    def states(self, estate: Estate) -> list[Finding]:
        return list(posture(self.allowed(estate), self.target.name))

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return draft(self.allowed(estate), self.target, needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        """One PATCH with the whole list, merged into what stands there."""
        if not operations:
            return []
        properties: Body = {}
        entries = list(self.allowed(estate).entries)
        for operation in operations:
            if operation.path[0] == COLLECTION:
                properties["allowedFqdnList"] = entries = _edited(entries, operation)
            else:
                properties[SWITCH] = (operation.after or {})[SWITCH]
        return [
            Write(
                resource=self.target.resource,
                method="PATCH",
                body={"properties": properties},
                api_version=API_VERSION,
                operations=tuple(operations),
            )
        ]

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        for write in writes:
            account = estate.get(write.resource) or {"id": write.resource, "properties": {}}
            new = (write.body or {}).get("properties") or {}
            changed = {key.lower() for key in new}
            kept = {key: value for key, value in account["properties"].items() if key.lower() not in changed}
            estate = estate.with_resources([{**account, "properties": {**kept, **new}}])
        return estate

    def fingerprint(self, estate: Estate) -> str:
        allowed = self.allowed(estate)
        return digest_of([allowed.kind, _meaning(allowed)])

    def digest(self, estate: Estate, resource: str) -> str:
        del resource
        return digest_of(_meaning(self.allowed(estate)))

    def exact(self, estate: Estate, resource: str) -> str:
        """A write replaces the list as a whole and nothing else of the account."""
        del resource
        allowed = self.allowed(estate)
        return digest_of([allowed.restricted, list(allowed.entries)])

    def reread(self, arm: ArmReader, resource: str) -> list[Body]:
        del resource
        return self.read(arm)

    def limits(self, estate: Estate) -> list[LimitFinding]:
        count = len(self.allowed(estate).entries)
        if count <= MAX_ENTRIES * _NEAR:
            return []
        text = f"the list would have {count} entries of {MAX_ENTRIES}"
        return [LimitFinding(code="maximum-1000-entries", exceeded=count > MAX_ENTRIES, text=text)]

    def lock_group(self, estate: Estate) -> str:
        """One write at a time per account: others are refused until it has settled."""
        del estate
        return normal_id(self.target.resource)

    def write(self, arm: ArmWriter, write: Write) -> None:
        arm.patch(write.resource, write.body or {}, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality of switch and list, and an account that has settled: its operation ends earlier."""
        allowed = self.allowed(Estate.of(self.read(arm)))
        unmet = [] if allowed.state == "Succeeded" else [Unmet.of_state(allowed.name, allowed.state)]
        wanted = lowered((write.body or {}).get("properties") or {})
        if wanted.get(SWITCH.lower(), allowed.restricted) != allowed.restricted:
            text = f"{SWITCH} of {allowed.name} reads back {allowed.restricted}"
            unmet.append(Unmet.different(allowed.name, text))
        entries = wanted.get("allowedfqdnlist")
        if entries is not None and {normal_entry(item) for item in entries} != set(allowed.normal_entries):
            unmet.append(Unmet.different(f"the list of {allowed.name}"))
        return unmet


def _edited(entries: list[str], operation: Operation) -> list[str]:
    entry = operation.path[1]
    kept = [item for item in entries if normal_entry(item) != normal_entry(entry)]
    if operation.after is None:
        return kept
    return entries if len(kept) < len(entries) else [*entries, str(operation.after["entry"])]


def _meaning(allowed: AllowList) -> Body:
    return {"restricted": allowed.restricted, "entries": sorted(set(allowed.normal_entries))}
