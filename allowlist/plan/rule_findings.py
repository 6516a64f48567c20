"""What the rules themselves show, whoever owns them: look-alikes, open rules, rules that decide nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from allowlist.azure.facts import base_tag, broad_tag
from allowlist.names import Pattern, is_host_name, is_lookalike, is_wider_than_registrable, lookalike_witness
from allowlist.plan.findings import Finding, Status, Witness, invalid
from allowlist.rules.addresses import EVERYWHERE, INTERNET, AddressSet
from allowlist.rules.coverage import CoverageEngine, decide
from allowlist.rules.model import ALL_PORTS, Action, ApplicationRule, NetworkRule, Ruleset


def find_rule_findings(
    engine: CoverageEngine, sources: AddressSet, target: str, asked: Collection[str] = ()
) -> Iterator[Finding]:
    """Findings about rules that concern ``sources``; each with a witness flow where something is let through.

    ``asked`` are service tags, in lower case, that the workload asks for itself.
    """
    ruleset = engine.index.ruleset
    for rule in ruleset.application:
        if rule.action is Action.ALLOW and rule.sources.addresses & sources:
            yield from _wide_names(rule, sources, target, names_sources=not ruleset.settings.is_managed)
        yield from _misleading(rule, ruleset, target)
    for network_rule in () if ruleset.settings.is_managed else ruleset.network:
        if network_rule.action is Action.ALLOW and network_rule.sources.addresses & sources:
            yield from _wide_addresses(network_rule, sources, target, asked)
        yield from _misleading(network_rule, ruleset, target)
    yield from _without_effect(engine, target)


def find_rules_of_others(ruleset: Ruleset, workload: str, target: str) -> Iterator[Finding]:
    """Rules that carry the mark of another workload: orphans, where that is what this one was called before."""
    rules: tuple[ApplicationRule | NetworkRule, ...] = (*ruleset.application, *ruleset.network)
    owners = Counter(rule.owner for rule in rules if rule.owner not in ("", workload))
    for owner, count in owners.items():
        yield Finding(
            status=Status.REDUNDANT,
            target=target,
            severity="info",
            rule=f"rules of workload {owner}",
            because=f"{count} carry the mark of workload '{owner}'; if '{workload}' was called that before, they are "
            "orphaned: nothing updates or removes them any more",
            remedy=f"plan once more under the name '{owner}' with delete: sync and no requirements, or keep the old name",
            code="other-workload",
        )


def _wide_names(
    rule: ApplicationRule, sources: AddressSet, target: str, *, names_sources: bool
) -> Iterator[Finding]:
    for pattern in map(Pattern, rule.patterns):
        if is_lookalike(pattern):
            name = lookalike_witness(pattern) or pattern.text
            because = f"{pattern} has no dot after the asterisk, so it also lets look-alikes through"
            remedy = (
                f"write *.{pattern.suffix} and {pattern.suffix} instead"
                if is_host_name(pattern.suffix)
                else "it cannot be narrowed by a dot; name the hosts"
            )
        elif is_wider_than_registrable(pattern):
            name, because = "any.example", f"{pattern} lets names of any owner through"
            remedy = "name the hosts that are needed"
        else:
            continue
        yield _widens(rule, target, because, remedy, _witness(rule, sources, name))
    if names_sources and rule.sources.addresses == EVERYWHERE:
        yield _widens(rule, target, "it is open to every source (*)", "name the sources that need it", None)


def _witness(rule: ApplicationRule, sources: AddressSet, name: str) -> Witness:
    protocol, port = sorted(rule.services)[0] if rule.services else ("https", 443)
    return Witness(
        source=(rule.sources.addresses & sources).witness() or "", fqdn=name, port=port, protocol=protocol
    )


def _widens(
    rule: ApplicationRule | NetworkRule, target: str, because: str, remedy: str, witness: Witness | None
) -> Finding:
    return Finding(
        status=Status.WIDENS,
        target=target,
        severity="warning",
        rule=str(rule.ref),
        because=because,
        remedy=remedy,
        witness=witness,
    )


WIDE: Final = 2**24
"""So many public addresses, a 256th of all, are a wide destination: nobody knows who has them."""
_NAME_THEM = "name destinations, or drop the web ports"


def _wide_addresses(
    rule: NetworkRule, sources: AddressSet, target: str, asked: Collection[str]
) -> Iterator[Finding]:
    """What a network rule lets through beyond what its author can have meant, with its reach."""
    if rule.destinations == EVERYWHERE:
        yield from _to_everywhere(rule, sources, target)
        return
    ports = _ports_in_words(rule)
    public = rule.destinations & INTERNET
    if public.size >= WIDE:
        because = f"it opens {public.size:,} public addresses on {ports}"
        yield _widens(rule, target, because, "name the hosts, or the addresses of the one service", None)
    for tag in rule.service_tags:
        row = broad_tag(tag)
        if row and tag.lower() not in asked and base_tag(tag).lower() not in asked:
            because = f"the service tag {tag} on {ports} opens {row.risk}"
            yield _widens(rule, target, because, f"tighter: {row.alternative}", None)
    if ALL_PORTS in rule.ports and (public or rule.service_tags) and not rule.owner:
        where = ", ".join(rule.service_tags) or f"{public.size:,} public addresses"
        yield _widens(rule, target, f"it opens every port to {where}", "name the ports that are needed", None)


def _ports_in_words(rule: NetworkRule) -> str:
    ports = ", ".join(
        "every port" if port == ALL_PORTS else str(port[0]) if port[0] == port[1] else f"{port[0]}-{port[1]}"
        for port in rule.ports[:5]
    )
    return f"{'/'.join(sorted(rule.protocols))} {ports}"


def _to_everywhere(rule: NetworkRule, sources: AddressSet, target: str) -> Iterator[Finding]:
    if rule.unmodelled or rule.state or not rule.ports:
        return
    found = list(_short_circuit(rule, sources, target))
    yield from found
    if not found:
        because = f"it opens {_ports_in_words(rule)} to every destination"
        yield _widens(rule, target, because, "name the destinations that are needed", None)


def _short_circuit(rule: NetworkRule, sources: AddressSet, target: str) -> Iterator[Finding]:
    web = [port for port in (443, 80) if any(low <= port <= high for low, high in rule.ports)]
    if rule.destinations == EVERYWHERE and web and {"tcp", "any"} & rule.protocols:
        source = (rule.sources.addresses & sources).witness() or ""
        witness = Witness(
            source=source, fqdn="any.example", port=web[0], protocol="https" if web[0] == 443 else "http"
        )
        because = (
            "a network rule to every destination is asked before all application rules, which it makes dead"
        )
        yield _widens(rule, target, because, "name destinations, or drop the web ports", witness)


def _misleading(rule: ApplicationRule | NetworkRule, ruleset: Ruleset, target: str) -> Iterator[Finding]:
    """What its author may believe of a rule and is not so."""
    reasons = list(rule.misleading)
    if isinstance(rule, ApplicationRule) and rule.urls and ruleset.settings.tier in ("basic", "standard"):
        reasons.append(f"target URLs have no effect on a {ruleset.settings.tier} firewall")
    yield from (invalid(target, str(rule.ref), because) for because in reasons)


def _without_effect(engine: CoverageEngine, target: str) -> Iterator[Finding]:
    """Rules none of whose flows reach them: earlier rules, together, decide all of them."""
    index = engine.index
    for rule in index.ruleset.application:
        if rule.unmodelled or rule.state or rule.sources.unresolved or not rule.sources.addresses:
            continue
        if not _decides_something(engine, rule):
            because = "earlier rules decide all of its flows; it changes nothing"
            yield Finding(
                status=Status.REDUNDANT,
                target=target,
                severity="info",
                rule=str(rule.ref),
                because=because,
                remedy="drop it, or move it before the rules that hide it",
            )


def _decides_something(engine: CoverageEngine, rule: ApplicationRule) -> bool:
    if rule.fqdn_tags or rule.urls or rule.web_categories or rule.unresolved:
        return True
    mask = engine.index.zones.mask(rule.sources.addresses)
    for service in rule.services:
        table = engine.index.table(service)
        # A deny-all that closes the rules also stops what is built in, so it is not idle.
        if any(table.entries[number].rule is rule for number in table.closing):
            return True
        for key in rule.patterns:
            outcome = decide(table, table.numbers_at(key), mask)
            if any(entry.rule is rule for entry in (*outcome.allowing, *outcome.denying)) or outcome.doubts:
                return True
    return False
