"""Operations into the fewest writes, in the order that never leaves a rule without the mode it needs. Pure.

Settings first (FQDN rules are refused outside approved-only mode), then rules, then provisioning, which takes all
noted rules at once, then deletions. Several rules go as one batch where the api-version has it, as an upsert only:
whether a batch merges or replaces is not documented, so nothing is deleted by one, and what it did is read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from allowlist.errors import PlanRefused
from allowlist.estate.bodies import Body
from allowlist.plan.model import Operation
from allowlist.points.managed.draft import PROVISIONED, Place
from allowlist.points.managed.network import ManagedNetwork, OutboundRule
from allowlist.points.managed.translate import COLLECTION, SETTINGS
from allowlist.points.managed.validate import refusals_of_rule, refusals_of_settings
from allowlist.points.point import Write

BATCH = "batchOutboundRules"


def compose(
    network: ManagedNetwork,
    place: Place,
    operations: Sequence[Operation],
    *,
    api_version: str,
    has_batch: bool,
    provision_body: Body,
) -> list[Write]:
    """The writes for ``operations``. Raises PlanRefused for what must not be sent."""
    _refuse(network, operations)
    settings = [item for item in operations if is_setting(item)]
    upserts = [item for item in operations if is_rule(item) and item.action != "remove"]
    provisioning = [item for item in operations if is_provisioning(item)]
    removals = [item for item in operations if is_rule(item) and item.action == "remove"]

    def write(method: str, resource: str, body: Body | None, served: Sequence[Operation]) -> Write:
        return Write(
            resource=resource, method=method, body=body, api_version=api_version, operations=tuple(served)
        )

    writes = [write("PATCH", place.network, _settings_body(settings), settings)] if settings else []
    if has_batch and len(upserts) > 1:
        writes.append(write("POST", f"{place.network}/{BATCH}", _batch_body(upserts), upserts))
    else:
        writes += [write("PUT", item.resource, {"properties": item.after}, [item]) for item in upserts]
    writes += [write("POST", place.provision, provision_body, [item]) for item in provisioning]
    writes += [write("DELETE", item.resource, None, [item]) for item in removals]
    return writes


def is_setting(operation: Operation) -> bool:
    return operation.path[0] == SETTINGS and operation.path[1] != PROVISIONED


def is_provisioning(operation: Operation) -> bool:
    return operation.path == (SETTINGS, PROVISIONED)


def is_rule(operation: Operation) -> bool:
    return operation.path[0] == COLLECTION


def _refuse(network: ManagedNetwork, operations: Sequence[Operation]) -> None:
    """Rules of the service are never written, and what is one-way is never asked back."""
    for operation in operations:
        texts = [item.text for item in _refusals(network, operation)]
        if texts:
            raise PlanRefused(f"{operation.path[-1]}: {texts[0]}")


def _refusals(network: ManagedNetwork, operation: Operation) -> Iterator[Any]:
    if is_setting(operation):
        yield from refusals_of_settings(network, operation.after or {})
    elif is_rule(operation):
        rule = network.rule(operation.path[1]) or OutboundRule.of(operation.path[1], operation.after or {})
        yield from (
            item
            for item in refusals_of_rule(network, rule)
            if item.reason == "required_and_system_rules_are_never_written"
        )


def _settings_body(operations: Iterable[Operation]) -> Body:
    members: Body = {}
    for operation in operations:
        members |= operation.after or {}
    return {"properties": {"managedNetwork": members}}


def _batch_body(operations: Iterable[Operation]) -> Body:
    """Flat, unlike the settings: ``properties.outboundRules`` (example of the API description)."""
    return {"properties": {"outboundRules": {item.path[1]: item.after for item in operations}}}


def with_operations(body: Body, operations: Iterable[Operation]) -> Body:
    """A ``managedNetwork`` object as it stands once ``operations`` have succeeded."""
    result = {key: value for key, value in body.items() if key.lower() not in ("outboundrules", "status")}
    rules: Body = dict(_member(body, "outboundrules") or {})
    status: Body = dict(_member(body, "status") or {})
    for operation in operations:
        if is_provisioning(operation):
            status = {**status, **(operation.after or {"status": "Active"})}
            if status["status"] == "Active":
                rules = {name: _in_force(rule) for name, rule in rules.items()}
        elif is_setting(operation):
            result = _without(result, operation.path[1]) | (operation.after or {})
        else:
            rules = _without(rules, operation.path[1])
            if operation.after is not None:
                rules[operation.path[1]] = {**operation.after, "status": "Active"}
    return {**result, "outboundRules": rules, **({"status": status} if status else {})}


def _member(body: Body, name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name), None)


def _without(body: Body, name: str) -> Body:
    return {key: value for key, value in body.items() if key.lower() != name.lower()}


def _in_force(rule: Body) -> Body:
    found = _member(rule, "status")
    return {**_without(rule, "status"), "status": "Active"} if found == "Inactive" else rule
