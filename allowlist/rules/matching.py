"""Does one rule match one flow? Yes, no, or perhaps, and then what would have to be known.

Never a guess: a part of a rule that cannot be read makes the answer "perhaps", in both directions.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

import msgspec

from allowlist.azure.facts import (
    documented_members,
    holds_any_name,
    is_common_category,
    is_fqdn_tag,
    microsoft_domains,
)
from allowlist.documents.words import counted
from allowlist.names import Pattern
from allowlist.rules.addresses import EVERYWHERE, INTERNET, AddressSet, Interval
from allowlist.rules.flow import Facts, Flow
from allowlist.rules.model import (
    Action,
    ApplicationRule,
    FilterRule,
    NatRule,
    NetworkRule,
    Settings,
    Sources,
    doubts_about,
)
from allowlist.rules.urls import find_url_fault, matches_url


class Match(msgspec.Struct, frozen=True, gc=False):
    """``certain`` is False for "perhaps"; then ``unknowns`` say what would have to be known.

    ``assumes`` is set where "perhaps" has a likely answer: the condition, in words, under which that answer is wrong.
    ``presumed`` is the answer then.
    """

    matched: bool
    certain: bool = True
    unknowns: tuple[str, ...] = ()
    assumes: str = ""
    presumed: bool = False


YES = Match(True)
NO = Match(False)


def perhaps(*unknowns: str) -> Match:
    return Match(True, certain=False, unknowns=unknowns)


def unlikely(what: str) -> Match:
    """Perhaps, but taken for "no" by whoever accepts an answer under an assumption: ``what`` would make it wrong."""
    return Match(True, certain=False, unknowns=(f"whether {what}",), assumes=what)


def likely(what: str, otherwise: str) -> Match:
    """Perhaps, but taken for "yes": ``what`` is documented; ``otherwise`` would make it wrong."""
    return Match(True, certain=False, unknowns=(f"whether {what}",), assumes=otherwise, presumed=True)


def all_of(*parts: Match) -> Match:
    """No if one part says no; else yes if all do; else perhaps, with everything that is not known."""
    if any(not part.matched for part in parts):
        return NO
    unknowns = tuple(text for part in parts for text in part.unknowns)
    if not unknowns:
        return YES
    doubts = [part for part in parts if not part.certain]
    improbable = next((part for part in doubts if part.assumes and not part.presumed), None)
    if improbable is not None:
        return Match(True, False, unknowns, improbable.assumes)
    settled = all(part.assumes for part in doubts)
    texts = " or ".join(part.assumes for part in doubts) if settled else ""
    return Match(True, False, unknowns, texts, settled)


def any_of(parts: Iterable[Match]) -> Match:
    """Yes if one part says yes; else perhaps if one does; else no."""

    def either(one: Match, other: Match) -> Match:
        if (one.matched and one.certain) or not other.matched:
            return one
        if other.certain or not one.matched:
            return other
        return _either_doubt(one, other)

    return reduce(either, parts, NO)


def _either_doubt(one: Match, other: Match) -> Match:
    """Of two doubts one that is taken for "yes" settles it; only where both are taken for "no" is it "no"."""
    unknowns = (*one.unknowns, *other.unknowns)
    presumed = next((part for part in (one, other) if part.presumed), None)
    if presumed is not None:
        return Match(True, False, unknowns, presumed.assumes, True)
    improbable = bool(one.assumes and other.assumes)
    return Match(True, False, unknowns, f"{one.assumes} or {other.assumes}" if improbable else "")


def match_application_rule(rule: ApplicationRule, flow: Flow, facts: Facts, settings: Settings) -> Match:
    """Source, protocol with port, and one of the targets must match; destination addresses have no effect.

    (``destinationAddresses`` of application rules is ignored by the service: terraform-provider-azurerm 28668.)
    """
    if (flow.application, flow.port) not in rule.services or not flow.name:
        return NO
    source = match_sources(rule.sources, flow.source)
    if not source.matched:
        return NO
    return all_of(source, match_names(rule, flow, facts, settings), surely(rule))


def match_names(rule: ApplicationRule, flow: Flow, facts: Facts, settings: Settings) -> Match:
    """Are the names that the firewall sees of ``flow`` targets of ``rule``?"""
    return all_of(*(match_targets(rule, flow, name, facts, settings) for name in names_seen(rule, flow)))


def names_seen(rule: ApplicationRule, flow: Flow) -> tuple[str, ...]:
    """TLS inspection sees the Host header inside, which then has to match as well as the SNI."""
    inside = flow.application == "https" and rule.terminates_tls and flow.host not in ("", flow.name)
    return (flow.name, flow.host) if inside else (flow.name,)


def match_targets(rule: ApplicationRule, flow: Flow, name: str, facts: Facts, settings: Settings) -> Match:
    """Is ``name``, with the path of ``flow``, a target of ``rule``? Its kinds of targets are alternatives."""
    return any_of(_targets(rule, flow, name, facts, settings))


def _targets(
    rule: ApplicationRule, flow: Flow, name: str, facts: Facts, settings: Settings
) -> Iterable[Match]:
    if any(Pattern(pattern).matches(name) for pattern in rule.patterns):
        yield YES
        return
    for tag in rule.fqdn_tags:
        yield _match_fqdn_tag(tag, name, facts)
    if can_match_urls(rule, flow.application, settings):
        for url in rule.urls:
            yield _match_target_url(url, name, flow.path, settings)
    for category in rule.web_categories:
        yield _match_category(category, rule, flow, name, facts, settings)
    for item in rule.unresolved:
        yield perhaps(f"the names behind {item}")


def _match_fqdn_tag(tag: str, name: str, facts: Facts) -> Match:
    members = facts.fqdn_tags.get(tag.lower())
    if members is not None:
        return Match(any(Pattern(member).matches(name) for member in members))
    documented = documented_members(tag)
    if documented and any(Pattern(member).matches(name) for member in documented.members):
        return likely(f"the FQDN tag {tag} holds {name}", tag_lost(name, tag, documented.read))
    if not is_fqdn_tag(tag):
        return perhaps(f"whether {name} is a member of the FQDN tag {tag}, which nobody knows")
    return unlikely(tag_gained(name, tag))


def tag_lost(name: str, tag: str, read: str) -> str:
    return f"the FQDN tag {tag} no longer holds {name}, as documented on {read}"


def tag_gained(name: str, tag: str) -> str:
    return f"the FQDN tag {tag} holds {name}, which no document says"


def can_match_urls(rule: ApplicationRule, application: str, settings: Settings) -> bool:
    """Target URLs need the Premium tier and, for HTTPS, TLS inspection (features by SKU; FAQ)."""
    inspected = application == "http" or rule.terminates_tls
    return settings.tier in ("premium", "unknown") and inspected


def _match_target_url(url: str, name: str, path: str | None, settings: Settings) -> Match:
    if settings.tier == "unknown" or find_url_fault(url):
        return perhaps(f"what the service makes of the target URL {url}")
    answer = matches_url(url, name, path)
    return perhaps(f"the path asked for at {name}") if answer is None else Match(answer)


def _match_category(
    category: str, rule: ApplicationRule, flow: Flow, name: str, facts: Facts, settings: Settings
) -> Match:
    """Standard decides by name, Premium by the whole URL where it can see it (web categories page)."""
    sees_path = settings.tier == "premium" and (flow.application == "http" or rule.terminates_tls)
    key = name + (flow.path or "") if sees_path else name
    known = facts.categories.get(key, facts.categories.get(name))
    if known is None:
        what = f"{key} has the web category {category}"
        return perhaps(f"whether {what}") if is_common_category(category) else unlikely(what)
    return Match(known.lower() == category.lower())


def match_network_rule(rule: NetworkRule, flow: Flow, facts: Facts, settings: Settings) -> Match:
    """Protocol, source, port and destination must match; the name counts only through its addresses."""
    if not is_protocol_match(rule.protocols, rule.ports, flow.transport, flow.port):
        return NO
    source = match_sources(rule.sources, flow.source)
    if not source.matched:
        return NO
    return all_of(source, match_destination(rule, flow, facts, settings), surely(rule))


def is_protocol_match(
    protocols: frozenset[str], ports: tuple[Interval, ...], transport: str, port: int
) -> bool:
    """Does a network rule with these protocols and ports apply to ``transport`` and ``port``?"""
    every_port = any(low <= 1 and high >= 65535 for low, high in ports)
    if transport in ("tcp", "udp"):
        return bool({transport, "any"} & protocols) and any(low <= port <= high for low, high in ports)
    return transport in protocols or ("any" in protocols and every_port)


def match_destination(rule: NetworkRule, flow: Flow, facts: Facts, settings: Settings) -> Match:
    """Is the address ``flow`` goes to, as far as it is known, a destination of ``rule``?"""
    if rule.destinations == EVERYWHERE:
        return YES
    where = _destination_of(flow, facts)
    label = flow.name or "the destination"
    parts: list[Match] = []
    if where is not None or not settings.is_managed:
        parts = [_match_addresses(rule.destinations, where, resolves_into(label, rule))]
        parts += [_match_service_tag(tag, where, label, facts) for tag in rule.service_tags]
    parts += [perhaps(f"the addresses of {item}") for item in rule.unresolved]
    if settings.resolves_network_names and settings.tier != "basic":
        parts += [_match_network_name(name, rule.action, flow, where, facts, settings) for name in rule.fqdns]
    return any_of(parts)


def _destination_of(flow: Flow, facts: Facts) -> AddressSet | None:
    if flow.destination is not None:
        return AddressSet(((flow.destination, flow.destination),))
    return facts.dns.get(flow.name)


NARROW: Final = 65_536
"""So many public addresses, one in 56,000, are few: that a name has its address among them is improbable."""


def is_narrow(addresses: AddressSet) -> bool:
    return (addresses & INTERNET).size <= NARROW


def resolves_into(name: str, rule: NetworkRule) -> str:
    count = (rule.destinations & INTERNET).size
    return f"{name} resolves into {rule.ref} ({counted(count, 'address')})"


def _match_addresses(addresses: AddressSet, where: AddressSet | None, what: str) -> Match:
    """A name of unknown address is taken to lie on the Internet: traffic to a private address is no egress."""
    if not addresses:
        return NO
    if where is None:
        if not addresses & INTERNET:
            return NO
        return unlikely(what) if is_narrow(addresses) else perhaps(f"whether {what}")
    if where.is_subset(addresses):
        return Match(bool(where))
    return perhaps(f"whether {what}") if where & addresses else NO


def _match_service_tag(tag: str, where: AddressSet | None, label: str, facts: Facts) -> Match:
    members = facts.service_tags.get(tag.lower())
    what = in_service_tag(label, tag)
    if members is not None:
        return _match_addresses(members, where, what)
    improbable = where is None and not holds_any_name(tag) and not is_of_microsoft(label)
    return unlikely(what) if improbable else perhaps(f"whether {what}")


def in_service_tag(name: str, tag: str) -> str:
    return f"{name} has an address in the service tag {tag}"


def is_of_microsoft(name: str) -> bool:
    """Is the name, or perhaps one in the pattern, one of a service in Azure, as far as its domain says?"""
    found = Pattern(name)
    return any(
        found.suffix == domain
        or found.suffix.endswith(f".{domain}")
        or (found.is_wildcard and domain.endswith(found.suffix.removeprefix(".")))
        for domain in microsoft_domains()
    )


def _match_network_name(
    name: str, action: Action, flow: Flow, where: AddressSet | None, facts: Facts, settings: Settings
) -> Match:
    """The firewall compares addresses, so names that share one cannot be told apart (FQDN in network rules).

    Without DNS answers a deny of another name may still hit this flow; an allow is never assumed to. A DNS filter
    compares names.
    """
    if settings.names_only:
        return Match(bool(flow.name) and Pattern(name).matches(flow.name))
    resolved = facts.dns.get(name)
    if resolved is not None and where is not None:
        return _match_addresses(resolved, where, f"{flow.name or name} is reached at an address of {name}")
    if flow.name and Pattern(name).matches(flow.name):
        return YES
    if flow.name and action is Action.ALLOW and flow.destination is None:
        return NO
    return unlikely(shares_address(flow.name or "the destination", name))


def shares_address(name: str, other: str) -> str:
    return f"{name} resolves to an address of {other}"


def match_nat_rule(rule: NatRule, flow: Flow) -> Match:
    if flow.destination is None or not is_protocol_match(
        rule.protocols, rule.ports, flow.transport, flow.port
    ):
        return NO
    where = AddressSet(((flow.destination, flow.destination),))
    parts = [_match_addresses(rule.destinations, where, "")]
    parts += [perhaps(f"the addresses of {item}") for item in rule.unresolved]
    return all_of(match_sources(rule.sources, flow.source), any_of(parts), surely(rule))


def match_sources(sources: Sources, address: int) -> Match:
    if address in sources.addresses:
        return YES
    return any_of(perhaps(f"the members of {item}") for item in sources.unresolved)


def surely(rule: FilterRule | NatRule) -> Match:
    """Yes, unless ``rule`` has parts whose meaning is not known or may not be in force."""
    doubts = doubts_about(rule)
    if not doubts:
        return YES
    assumes = rule.assumes if isinstance(rule, NetworkRule) else ""
    return Match(True, certain=False, unknowns=doubts, assumes=assumes)
