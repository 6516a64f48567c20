"""Which rules and settings of a managed network would have to be added, changed or removed. Pure.

A rule per destination, so that each can be approved on its own. Only rules whose name carries our mark are ours;
that a rule is UserDefined proves nothing, for the service makes such rules itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from allowlist.azure.facts import tag_hosts
from allowlist.estate.bodies import Body
from allowlist.plan.drafts import Draft, Drafted
from allowlist.plan.model import Cost, Skip
from allowlist.points.draft import DRIFT, WEB, Drafting, at, tightened
from allowlist.points.managed import costs
from allowlist.points.managed.destinations import endpoint_hosts
from allowlist.points.managed.judge import NetworkJudge
from allowlist.points.managed.network import APPROVED, ManagedNetwork, OutboundRule
from allowlist.points.managed.options import EndpointOption, NetworkOptions, options_of
from allowlist.points.managed.ownership import is_owned, rule_name
from allowlist.points.managed.translate import COLLECTION, SETTINGS
from allowlist.points.managed.validate import gates_of_rule, refusals_of_rule, refusals_of_settings
from allowlist.points.point import Target
from allowlist.points.verdict import Judgement, Word
from allowlist.rules.requirement import Requirement

PROVISIONED = "status"
DEFAULT_SKU = "Standard"

_NOW_OPEN = "allowed only as long as nothing restricts egress"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a network and its parts stand: ``network`` is written for settings, ``provision`` starts it."""

    network: str
    provision: str

    def rule(self, name: str) -> str:
        return f"{self.network}/outboundRules/{name}"


class _DesiredRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule to have, with what it serves and what it opens along because it cannot say less."""

    rule: OutboundRule
    title: str
    requirements: tuple[Requirement, ...]
    along: tuple[Requirement, ...]


class Drafter:
    """Drafts for one network and one target."""

    def __init__(self, network: ManagedNetwork, target: Target, place: Place) -> None:
        self.network = network
        self.target = target
        self.drafting = Drafting(target)
        self.place = place
        self.options = options_of(target)
        self.settings, self.refused_settings = _allowed_settings(network, self.options)
        self.intended = replace(network, isolation=self.settings.get("isolationMode", network.isolation))

    def draft(self, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        """Operations for ``needed``; where egress is to be restricted from now on, for ``kept`` too."""
        if self.network.absent:
            elsewhere = tuple((item, self.network.absent) for item in needed)
            return Draft(inexpressible=elsewhere, skips=tuple(self._absent_skips()))
        everything = (*needed, *kept)
        tightens = self.intended.is_open != self.network.is_open
        judged = self._judged(tightened(tightens, needed, kept))
        everything_wished = self._all_desired_rules(everything)
        desired_rules, refused = self._desired_rules(judged, everything_wished)
        upserts = [drafted for desired in desired_rules if (drafted := self._upsert(desired, tightens))]
        upserts += self._restored(desired for desired in everything_wished if desired not in desired_rules)
        waiting = [item for item, found in judged if found.word is Word.PENDING]
        removals, skips = self._removals({desired.rule.name for desired in everything_wished})
        changes = [*self._setting_changes(), *upserts, *self._provisioning(upserts, waiting), *removals]
        return Draft(
            changes=tuple(changes),
            inexpressible=tuple(refused),
            skips=(*self._setting_skips(), *skips, *self._waiting_skips(judged)),
        )

    def _judged(self, requirements: Sequence[Requirement]) -> list[tuple[Requirement, Judgement]]:
        judge = NetworkJudge(self.intended, requirements)
        return [(item, judge.judge(item)) for item in requirements]

    def _desired_rules(
        self, judged: Iterable[tuple[Requirement, Judgement]], everything: Sequence[_DesiredRule]
    ) -> tuple[list[_DesiredRule], list[tuple[Requirement, str]]]:
        """The rules that serve something that is lacking, each as it is to be for all who want it, and what none serves."""
        wanted: list[Requirement] = []
        refused: list[tuple[Requirement, str]] = []
        for requirement, found in judged:
            if found.word is Word.MISSING or found.action or self._endpoint_for(requirement):
                wanted += [requirement] if found.word not in (Word.COVERED, Word.PENDING) else []
            elif found.word is Word.FAILED and is_owned(self.target.workload, found.by):
                wanted.append(requirement)
            elif found.word in (Word.BLOCKED, Word.FAILED, Word.UNKNOWN):
                refused.append((requirement, _cause(found)))
        keys = {item.key for item in wanted}
        desired_rules = [
            desired for desired in everything if any(item.key in keys for item in desired.requirements)
        ]
        for desired in desired_rules:
            texts = [item.text for item in refusals_of_rule(self.intended, desired.rule)]
            refused += [(item, texts[0]) for item in desired.requirements if texts]
        return [
            desired
            for desired in desired_rules
            if not any(True for _ in refusals_of_rule(self.intended, desired.rule))
        ], refused

    def _all_desired_rules(self, requirements: Iterable[Requirement]) -> list[_DesiredRule]:
        groups: dict[tuple[Any, ...], list[Requirement]] = defaultdict(list)
        for item in requirements:
            groups[self._group_of(item)].append(item)
        return [self._desired(key, items) for key, items in groups.items() if key]

    def _group_of(self, item: Requirement) -> tuple[Any, ...]:
        endpoint = self._endpoint_for(item)
        if endpoint:
            return ("PrivateEndpoint", endpoint)
        if item.service_tag:
            return ("ServiceTag", item.service_tag, _tag_protocol(item))
        return ("FQDN", item.pattern) if item.pattern else ()

    def _endpoint_for(self, item: Requirement) -> EndpointOption | None:
        """The private endpoint that is asked for, or that the target names and that takes the place of the name."""
        if item.endpoint:
            return self._endpoint_of(item.endpoint)
        return next(
            (
                endpoint
                for endpoint in self.options.private_endpoints
                if item.pattern in endpoint_hosts(endpoint.resource, endpoint.subresource, self.network.cloud)
            ),
            None,
        )

    def _endpoint_of(self, wanted: tuple[str, str]) -> EndpointOption:
        """As the target's options describe it, else as it is asked for."""
        resource, sub_resource = wanted
        asked = (resource.lower(), sub_resource.lower())
        found = (
            item
            for item in self.options.private_endpoints
            if (item.resource.lower().rstrip("/"), item.subresource.lower()) == asked
        )
        return next(found, EndpointOption(resource=resource, subresource=sub_resource))

    def _service_tag(
        self, items: list[Requirement], tag: str, protocol: str
    ) -> tuple[str, Any, str, tuple[Requirement, ...]]:
        """The tag opens the documented names beside it along."""
        ports = ", ".join(sorted({_ports(item) for item in items}, key=_first_number))
        body = {"serviceTag": tag, "protocol": protocol, "portRanges": ports}
        hosts = tag_hosts(tag, self.network.cloud)
        places = [{"service_tag": tag}, *({"pattern": host} for host in hosts)]
        along = tuple(
            at(item, **place, **more) for item in items for place in places for more in _within(item)
        )
        return f"{tag} {protocol}", body, f"service tag {tag} {protocol} {ports}", along

    def _desired(self, key: tuple[Any, ...], items: list[Requirement]) -> _DesiredRule:
        builders: dict[str, Callable[..., tuple[str, Any, str, tuple[Requirement, ...]]]] = {
            "FQDN": _fqdn,
            "ServiceTag": self._service_tag,
            "PrivateEndpoint": self._endpoint,
        }
        destination, body, title, along = builders[key[0]](items, *key[1:])
        name = rule_name(self.target.workload, key[0], destination)
        rule = OutboundRule(name=name, kind=key[0], destination=body)
        return _DesiredRule(rule=rule, title=title, requirements=tuple(items), along=along)

    def _endpoint(
        self, items: list[Requirement], endpoint: EndpointOption
    ) -> tuple[str, Any, str, tuple[Requirement, ...]]:
        body: Body = {"serviceResourceId": endpoint.resource, "subresourceTarget": endpoint.subresource}
        if self.network.platform == "hub":
            body["sparkEnabled"] = endpoint.spark
        name = endpoint.resource.rstrip("/").rpartition("/")[2]
        hosts = endpoint_hosts(endpoint.resource, endpoint.subresource, self.network.cloud)
        along = tuple(at(items[0], pattern=host, protocol="tcp", ports=(1, 65535)) for host in hosts)
        along += tuple(at(items[0], pattern=host, **more) for host in hosts for more in _BY_NAME)
        own = (endpoint.resource, endpoint.subresource)
        along += (at(items[0], endpoint=own, protocol="tcp", ports=(1, 65535)),)
        return (
            f"{endpoint.resource} {endpoint.subresource}",
            body,
            f"private endpoint {name}/{endpoint.subresource}",
            along,
        )

    def _restored(self, desired_rules: Iterable[_DesiredRule]) -> Iterator[Drafted]:
        """Rules of ours that somebody changed, as far as the delete policy lets what they open be taken back."""
        for desired in desired_rules:
            old = self.intended.rule(desired.rule.name)
            if old is not None and old.meaning != desired.rule.meaning and self.target.delete == "sync":
                drafted = self._upsert(desired, False)
                yield from [msgspec.structs.replace(drafted, drift=DRIFT)] if drafted else []

    def _upsert(self, desired: _DesiredRule, tightens: bool) -> Drafted | None:
        old = self.intended.rule(desired.rule.name)
        if old is not None and old.meaning == desired.rule.meaning and not old.is_failed:
            return None
        why = _NOW_OPEN if tightens else ""
        if old is not None and old.is_failed:
            why = f"the rule is Failed ({old.error or 'no reason given'}); writing it again is what heals it"
        return Drafted(
            operation=self.drafting.operation(
                "add" if old is None else "update",
                (COLLECTION, desired.rule.name),
                before=old.body if old else None,
                after=desired.rule.body,
                title=desired.title,
                resource=self.place.rule(desired.rule.name),
            ),
            requirements=desired.requirements,
            cost=self._cost(desired.rule),
            why=why,
            along=desired.along,
        )

    def _cost(self, rule: OutboundRule) -> Cost:
        if "creates_billed_firewall" in gates_of_rule(self.network, rule):
            return costs.first_fqdn_cost(self.network, self.target, self._sku)
        return costs.rule_cost(self.network, rule.kind, self.target)

    @property
    def _sku(self) -> str:
        return self.settings.get("firewallSku") or self.network.sku or DEFAULT_SKU

    def _removals(self, wanted: set[str]) -> tuple[list[Drafted], list[Skip]]:
        gone = {
            rule.name: partial(self._removal, rule)
            for rule in self.network.rules
            if is_owned(self.target.workload, rule.name)
            and not rule.is_platform
            and rule.name.lower() not in {name.lower() for name in wanted}
        }
        return self.drafting.removals(gone)

    def _removal(self, rule: OutboundRule) -> Drafted:
        title = f"{rule.kind} {', '.join(rule.names) or rule.name}"
        operation = self.drafting.operation(
            "remove",
            (COLLECTION, rule.name),
            before=rule.body,
            after=None,
            title=title,
            resource=self.place.rule(rule.name),
        )
        cost = costs.rule_cost(self.network, rule.kind, self.target, removes=True)
        return Drafted(operation=operation, cost=cost)

    def _setting_changes(self) -> Iterator[Drafted]:
        for member, value in self.settings.items():
            before = _setting(self.network, member)
            operation = self.drafting.operation(
                "update",
                (SETTINGS, member),
                before={member: before} if before else None,
                after={member: value},
                title=f"{member} {before or 'unset'} → {value}",
                resource=self.place.network,
            )
            cost = costs.settings_cost(self.network, member, value, self.target)
            yield Drafted(operation=operation, cost=cost, why=f"the target asks for {member} {value}")

    def _provisioning(self, upserts: Sequence[Drafted], waiting: Sequence[Requirement]) -> Iterator[Drafted]:
        if self.network.provisioned or self.intended.isolation != APPROVED:
            return
        if not self.options.provision or not (upserts or waiting):
            return
        operation = self.drafting.operation(
            "update",
            (SETTINGS, PROVISIONED),
            before={"status": "Inactive"},
            after={"status": "Active"},
            title="status Inactive → Active (provision the network)",
            resource=self.place.provision,
        )
        why = "the network is not provisioned, so none of its rules is in force"
        cost = costs.provisioning_cost(self.target)
        yield Drafted(operation=operation, requirements=tuple(waiting), cost=cost, why=why, pervasive=True)

    def _setting_skips(self) -> list[Skip]:
        return [self.drafting.skip(member, code, text) for member, code, text in self.refused_settings]

    def _waiting_skips(self, judged: Iterable[tuple[Requirement, Judgement]]) -> Iterator[Skip]:
        """Approved and not in force: no other rule would bring it about."""
        texts = {found.by: found.text for _, found in judged if found.word is Word.PENDING}
        for by, text in texts.items():
            if self.network.provisioned or not self.options.provision:
                yield self.drafting.skip(by, "approved-not-in-force", text)

    def _absent_skips(self) -> Iterator[Skip]:
        yield self.drafting.skip(self.network.name, "no-managed-network", self.network.absent)


_BY_NAME = (*WEB, {"protocol": "mssql", "ports": (1433, 1433)})
"""Flows by name that a rule by address lets through too, where it opens their port."""


def _fqdn(items: list[Requirement], pattern: str) -> tuple[str, Any, str, tuple[Requirement, ...]]:
    """FQDN rules know no ports: 80 and 443 are open together."""
    along = tuple(at(items[0], pattern=pattern, **web) for web in WEB)
    return pattern, pattern, f"FQDN {pattern}", along


def _within(item: Requirement) -> list[dict[str, Any]]:
    """What is open to an address whose ports are those of ``item``, by address and by name."""
    low, high = item.ports
    named = [more for more in _BY_NAME if item.protocol != "udp" and low <= more["ports"][0] <= high]
    return [{"protocol": item.protocol, "ports": item.ports}, *named]


def _tag_protocol(item: Requirement) -> str:
    return {"udp": "UDP", "icmp": "ICMP"}.get(item.protocol, "TCP")


def _ports(item: Requirement) -> str:
    low, high = item.ports
    if item.protocol == "icmp":
        return "*"
    return str(low) if low == high else f"{low}-{high}"


def _first_number(text: str) -> int:
    first = text.partition("-")[0]
    return int(first) if first.isdigit() else 0


def _cause(found: Judgement) -> str:
    if not found.alternatives:
        return found.text
    return f"{found.text}; instead: {' or '.join(text.replace('_', ' ') for text in found.alternatives)}"


def _setting(network: ManagedNetwork, member: str) -> str:
    return {
        "isolationMode": network.isolation,
        "firewallSku": network.sku,
        "managedNetworkKind": network.kind,
    }[member]


def _allowed_settings(
    network: ManagedNetwork, options: NetworkOptions
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The settings to send, and (member, code, text) of those that the service would refuse."""
    wanted: dict[str, str] = {}
    refused: list[tuple[str, str, str]] = []
    for member, value in options.settings.items():
        asked = {member: value}
        found = next(refusals_of_settings(network, asked), None)
        if found:
            refused.append((member, found.reason, found.text))
        elif value != _setting(network, member):
            wanted[member] = value
    return wanted, refused
