"""A profile of a network security perimeter: its rules, the resources it counts for, the links of its perimeter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from allowlist.documents import digest_of
from allowlist.errors import InvalidInput, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import (
    UNSAID,
    shown,
    spelled,
    spelling,
    state_in,
    unmodelled_keys,
    unsettled,
)
from allowlist.estate.parts import object_in
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, Status, in_bad_state, invalid, not_modelled
from allowlist.plan.model import Operation
from allowlist.points.point import ArmReader, ArmWriter, Point, Write, name_in
from allowlist.points.security_perimeter.draft import PerimeterOptions, draft, options_of
from allowlist.points.security_perimeter.place import API_VERSION, perimeter_of
from allowlist.points.security_perimeter.translate import (
    ASSOCIATIONS,
    COLLECTION,
    ENFORCED,
    MAX_ELEMENTS,
    MEMBERS,
    MODES,
    AccessProfile,
    Association,
    PerimeterJudge,
    hosts_of,
    mode_of,
    rule_doubts,
    to_ruleset,
)
from allowlist.points.unmet import Unmet
from allowlist.points.verdict import refined
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

_NEAR = 0.9
_READ_ONLY = ("provisioningState", "hasProvisioningIssues")


class SecurityPerimeter(Point):
    """One profile; each rule is a resource of its own."""

    api_version = API_VERSION
    options_type = PerimeterOptions

    def read(self, arm: ArmReader) -> list[Body]:
        """The perimeter, the profile with its rules, and the associations and links of the perimeter."""
        profile, perimeter = self.target.resource, perimeter_of(self.target.resource)
        bodies = [{**arm.get(place, API_VERSION), "id": place} for place in (perimeter, profile)]
        for place in (
            f"{profile}/{COLLECTION}",
            f"{perimeter}/{ASSOCIATIONS}",
            f"{perimeter}/links",
            f"{perimeter}/linkReferences",
        ):
            bodies += _listed(arm, place)
        return bodies

    def profile(self, estate: Estate) -> AccessProfile:
        resource = self.target.resource
        if estate.get(resource) is None:
            raise InvalidInput.of(
                estate.origin or "estate",
                f"lacks the profile {resource}",
                hint="save it with: allowlist snapshot -o DIR",
            )
        perimeter = perimeter_of(resource)
        behind = list(self._behind(estate, perimeter))
        associations = tuple(map(_association, behind))
        rules = estate.children(resource, COLLECTION)
        return AccessProfile(
            name=ResourceId(resource).name,
            mode=mode_of(associations),
            rules={ResourceId(body["id"]).name: spelled(body["properties"], MEMBERS) for body in rules},
            associations=associations,
            links=tuple(_links(estate, perimeter)),
            unknown=tuple(_doubts(estate.get(perimeter), estate.get(resource), behind)),
            state=_state_of(estate.get(perimeter), estate.get(resource), behind),
        )

    def _behind(self, estate: Estate, perimeter: str) -> Iterator[Body]:
        """The associations of the perimeter that stand behind this profile, or do not say behind which."""
        for body in estate.children(perimeter, ASSOCIATIONS):
            named = _profile_of(spelled(body["properties"], _ASSOCIATION))
            if normal_id(named or self.target.resource) == normal_id(self.target.resource):
                yield body

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(self.profile(estate))

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        wildcards = options_of(self.target).unverified_wildcards
        wanted = [item for item, _ in findings]
        judge = PerimeterJudge(self.profile(estate), wanted, wildcards=wildcards)
        return [refined(finding, judge.judge(item)) for item, finding in findings]

    def states(self, estate: Estate) -> list[Finding]:
        """Resources that are not held to the rules, associations the service has trouble with."""
        profile = self.profile(estate)
        found = [self._only_logs(profile, item) for item in profile.associations if item.mode != ENFORCED]
        name = profile.name
        found += [not_modelled(self.target.name, name, text) for text in profile.unknown]
        if profile.state:
            found.append(in_bad_state(self.target.name, name, f"{profile.state}: {_NOT_IN_FORCE}", _WAIT))
        found += self._of_rules(profile)
        found += [
            invalid(self.target.name, item.name, "the service reports provisioning issues of the association")
            for item in profile.associations
            if item.has_issues
        ]
        return found if profile.associations else [*found, self._unassociated(profile)]

    def _of_rules(self, profile: AccessProfile) -> Iterator[Finding]:
        """States and unknown members of outbound rules, whoever owns them."""
        for name, rule in profile.outbound.items():
            state = unsettled({"properties": rule})
            if state:
                yield in_bad_state(
                    self.target.name, name, f"the rule is {state}: it is not known to be in force", _AGAIN
                )
            yield from (not_modelled(self.target.name, name, text) for text in rule_doubts(rule))

    def _only_logs(self, profile: AccessProfile, item: Association) -> Finding:
        return Finding(
            status=Status.WIDENS,
            target=self.target.name,
            severity="warning",
            rule=f"{profile.name}/{item.name}",
            because=f"access mode {item.mode}: calls of {ResourceId(item.resource).name} are logged, not denied",
            remedy="set options.access_mode: Enforced on the target once the log shows no call that is needed",
            code="perimeter_not_enforced",
        )

    def _unassociated(self, profile: AccessProfile) -> Finding:
        return Finding(
            status=Status.WIDENS,
            target=self.target.name,
            severity="warning",
            rule=profile.name,
            because="no resource is associated with the profile, so its rules hold for nothing",
            remedy="associate the resource with this profile, in Learning mode first",
            code="perimeter_without_resources",
        )

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return draft(self.profile(estate), self.target, needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        """One write per rule and per association."""
        return [
            Write(
                resource=operation.resource,
                method="PUT" if operation.after is not None else "DELETE",
                body=_body(estate, operation),
                api_version=API_VERSION,
                operations=(operation,),
            )
            for operation in operations
        ]

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        for write in writes:
            if write.body is None:
                estate = estate.without([write.resource])
            else:
                old = estate.get(write.resource) or {"id": write.resource}
                estate = estate.with_resources([{**old, **write.body}])
        return estate

    def fingerprint(self, estate: Estate) -> str:
        profile = self.profile(estate)
        modes = sorted((normal_id(item.resource or "/"), item.mode) for item in profile.associations)
        return digest_of([modes, {name.lower(): _meaning(rule) for name, rule in profile.rules.items()}])

    def digest(self, estate: Estate, resource: str) -> str:
        body = estate.get(resource)
        return digest_of(_meaning(body["properties"]) if body is not None else None)

    def limits(self, estate: Estate) -> list[LimitFinding]:
        count = self.profile(estate).elements
        if count <= MAX_ELEMENTS * _NEAR:
            return []
        text = f"the profile would have {count} rule elements of {MAX_ELEMENTS}"
        return [LimitFinding(code="maximum-200-elements", exceeded=count > MAX_ELEMENTS, text=text)]

    def lock_group(self, estate: Estate) -> str:
        """One write at a time per perimeter: its profiles share associations."""
        del estate
        return normal_id(perimeter_of(self.target.resource))

    def write(self, arm: ArmWriter, write: Write) -> None:
        if write.body is None:
            arm.delete(write.resource, write.api_version)
        else:
            arm.put(write.resource, write.body, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality by meaning, and ``Succeeded``."""
        name = ResourceId(write.resource).name
        found = self.reread(arm, write.resource)
        if not found or write.body is None:
            gone = not found and write.body is None
            return [] if gone else [Unmet.present(name) if found else Unmet.absent(name)]
        properties = found[0]["properties"]
        if _meaning(properties) != _meaning(write.body["properties"]):
            return [Unmet.different(name)]
        state = unsettled(found[0])
        return [Unmet.of_state(name, state)] if state else []


_NOT_IN_FORCE = "its rules are not known to be in force"
_WAIT = "wait until Azure is done, or mend it in Azure; then check again"
_AGAIN = "wait until Azure is done; a plan writes a rule of ours that failed again"
_PERIMETER = frozenset({"perimeterGuid", "provisioningState"})
_PROFILE = frozenset({"accessRulesVersion", "diagnosticSettingsVersion", "provisioningState"})
_ASSOCIATION = frozenset(
    {"accessMode", "hasProvisioningIssues", "privateLinkResource", "profile", "provisioningState"}
)
"""Members of a perimeter, of a profile and of an association (API description of Microsoft.Network, 2024-10-01)."""
_ISSUES = "hasProvisioningIssues"
_YES = ("yes", "true")


def _association(body: Body) -> Association:
    properties = spelled(body["properties"], _ASSOCIATION)
    mode = state_in(properties, "accessMode", UNSAID) if _profile_of(properties) else "without a profile"
    return Association(
        name=ResourceId(body["id"]).name,
        resource=str(object_in(properties, "privateLinkResource").get("id") or ""),
        mode=spelling(mode, MODES),
        has_issues=str(properties.get(_ISSUES) or "").lower() in _YES,
    )


def _profile_of(association: Body) -> str:
    """The id of its profile; empty where it says none, or what stands there is no id."""
    named = association.get("profile")
    found = named.get("id") if isinstance(named, Mapping) else named
    return found if isinstance(found, str) and found.startswith("/") else ""


def _doubts(perimeter: Body | None, profile: Body | None, behind: Iterable[Body]) -> Iterator[str]:
    """Members that nobody models, of the perimeter, the profile and what stands behind it."""
    known = ((perimeter, _PERIMETER), (profile, _PROFILE), *((body, _ASSOCIATION) for body in behind))
    for body, members in known:
        if body is not None:
            name = ResourceId(body["id"]).name
            yield from (f"{key} of {name}" for key in unmodelled_keys(body["properties"], members))
    for body in behind:
        issues = spelled(body["properties"], _ASSOCIATION).get(_ISSUES)
        if str(issues or "").lower() not in ("", "no", "false", *_YES):
            yield f"{_ISSUES} {shown(issues)} of {ResourceId(body['id']).name}"


def _state_of(perimeter: Body | None, profile: Body | None, behind: Iterable[Body]) -> str:
    """What of the perimeter, the profile and its associations is not Succeeded; empty where all are."""
    parts = (("perimeter", perimeter), ("profile", profile), *(("association", body) for body in behind))
    for what, body in parts:
        state = unsettled(body) if body is not None else ""
        if body is not None and state:
            return f"{what} {ResourceId(body['id']).name} is {state}"
    troubled = [body for body in behind if _association(body).has_issues]
    return f"association {ResourceId(troubled[0]['id']).name} has provisioning issues" if troubled else ""


def _listed(arm: ArmReader, path: str) -> Iterator[Body]:
    """Children by their names: what a perimeter has none of may be answered 404."""
    try:
        for body in arm.list(path, API_VERSION):
            yield {**body, "id": f"{path}/{name_in(body)}"}
    except TargetNotFound:
        return


def _links(estate: Estate, perimeter: str) -> Iterator[str]:
    """The perimeters that may be reached: links made here, and those that others made and were approved."""
    for body in (*estate.children(perimeter, "links"), *estate.children(perimeter, "linkReferences")):
        properties = body["properties"]
        if properties.get("status") == "Approved":
            remote = properties.get("autoApprovedRemotePerimeterResourceId") or properties.get(
                "remotePerimeterResourceId"
            )
            yield str(remote or ResourceId(body["id"]).name)


def _body(estate: Estate, operation: Operation) -> Body | None:
    if operation.after is None:
        return None
    if operation.path[0] == COLLECTION:
        return {"properties": operation.after}
    old = (estate.get(operation.resource) or {}).get("properties") or {}
    kept = {key: value for key, value in old.items() if key not in _READ_ONLY}
    return {"properties": {**kept, **operation.after}}


def _meaning(properties: Mapping[str, Any]) -> Body:
    """What is configured in a rule or an association; the order of a list means nothing."""
    kept = {key: value for key, value in properties.items() if key not in _READ_ONLY and value}
    if "fullyQualifiedDomainNames" in kept:
        kept["fullyQualifiedDomainNames"] = sorted(hosts_of(properties))
    for key in ("profile", "privateLinkResource"):
        if key in kept:
            kept[key] = normal_id(kept[key]["id"])
    return kept
