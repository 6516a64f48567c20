"""A ruleset made ready for questions about whole sets of flows.

The address space is cut wherever any rule or requirement begins or ends, so a set of sources is one Python
integer (a bit per cut) and set algebra is ``&`` and ``& ~``. For each service (protocol and port) the rules
that apply stand in a dictionary by pattern; the rules for a name are found by walking its suffixes.

A destination is a key: a name or pattern, ``#tag`` for a service tag, ``%tag`` for an FQDN tag, ``@n`` for the
n-th cut of the destination addresses, ``%endpoint:…`` for a private endpoint. Entries that may or may not match stand beside certain ones, marked as such.
"""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from allowlist.azure.facts import (
    documented_members,
    holds_any_name,
    is_common_category,
    is_fqdn_tag,
    microsoft_domains,
)
from allowlist.names import Pattern, SuffixIndex, ancestors, normalise
from allowlist.rules.addresses import EVERYWHERE, INTERNET, LAST_ADDRESS, AddressSet, Interval
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow
from allowlist.rules.matching import (
    Match,
    can_match_urls,
    in_service_tag,
    is_narrow,
    is_protocol_match,
    match_destination,
    match_targets,
    resolves_into,
    shares_address,
    tag_gained,
    tag_lost,
)
from allowlist.rules.model import (
    HTTP_PORTS,
    OPEN,
    OPEN_THREAT_MODE,
    Action,
    ApplicationRule,
    FilterRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
    doubts_about,
)
from allowlist.rules.urls import find_url_fault, matches_url

ANY_KEY = "*"
DOUBTFUL_NAME = "*?"
DOUBTFUL_ADDRESS = "@?"

ENDPOINT = "%endpoint:"

Service = tuple[str, int]


def endpoint_key(endpoint: tuple[str, str]) -> str:
    """The destination that a private endpoint to a resource and sub-resource is; both are compared without case."""
    resource, sub_resource = endpoint
    return f"{ENDPOINT}{resource.lower().rstrip('/')}/{sub_resource.lower()}"


class Zones:
    """The cuts of an address space and the bit masks of address sets over them."""

    def __init__(self, sets: Iterable[AddressSet]) -> None:
        distinct = {addresses.intervals for addresses in sets}
        starts = {0}
        for intervals in distinct:
            for low, high in intervals:
                starts.add(low)
                starts.add(high + 1)
        starts.discard(LAST_ADDRESS + 1)
        self._known = starts
        self._starts = sorted(starts)
        self._masks: dict[tuple[Interval, ...], int] = {}
        self._sets: dict[int, AddressSet] = {}
        self.everything = (1 << len(self._starts)) - 1

    @property
    def starts(self) -> list[int]:
        """The first address of every cut, ascending."""
        return self._starts

    def mask(self, addresses: AddressSet) -> int:
        """The set as bits; exact, because every set asked for was known when the cuts were made."""
        found = self._masks.get(addresses.intervals)
        if found is None:
            found = 0
            for low, high in addresses.intervals:
                first = bisect.bisect_right(self._starts, low) - 1
                last = bisect.bisect_right(self._starts, high) - 1
                found |= (1 << (last + 1)) - (1 << first)
            self._masks[addresses.intervals] = found
        return found

    def fits(self, sets: Iterable[AddressSet]) -> bool:
        """Can all of ``sets`` be told exactly with these cuts?"""
        starts = self._known
        return all(
            low in starts and (high == LAST_ADDRESS or high + 1 in starts)
            for intervals in {addresses.intervals for addresses in sets}
            for low, high in intervals
        )

    def addresses(self, mask: int) -> AddressSet:
        """The set that bits stand for; few of all there might be are ever asked for."""
        found = self._sets.get(mask)
        if found is None:
            found = self._sets[mask] = AddressSet.of(self._interval(bit) for bit in bits_of(mask))
        return found

    def _interval(self, bit: int) -> Interval:
        after = self._starts[bit + 1] if bit + 1 < len(self._starts) else LAST_ADDRESS + 1
        return (self._starts[bit], after - 1)


def bits_of(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Entry(msgspec.Struct, frozen=True):
    """One rule as seen under one key: for the sources in ``mask`` it decides, or perhaps decides.

    ``about`` is what that depends on: two doubts about the same thing turn out the same way. A doubt with a likely
    answer ``assumes`` it: the text says, of ``{name}``, under which condition that is wrong; ``presumed`` is the answer.
    """

    rule: FilterRule
    mask: int
    allows: bool
    certain: bool
    unknown: str = ""
    about: object = None
    assumes: str = ""
    presumed: bool = False


class Around:
    """The entries that match every name of a parent domain, in evaluation order."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers
        self.known = frozenset(numbers)


class Table:
    """The rules that apply to one service, in evaluation order, by destination key.

    ``told_apart`` are names that have tables of their own, so that wildcards are taken apart there too.
    """

    def __init__(self, told_apart: Iterable[str] = ()) -> None:
        self._told_apart = tuple(told_apart)
        self.entries: list[Entry] = []
        self.by_key: dict[str, list[int]] = defaultdict(list)
        self.closing: set[int] = set()
        self._lookalike_lengths: set[int] = set()
        self._inside: SuffixIndex | None = None
        self._above: dict[str, Around] = {}
        self._lengths: dict[tuple[int, int], tuple[int, ...]] = {}

    def add(self, keys: Iterable[str], entry: Entry) -> None:
        number = len(self.entries)
        self.entries.append(entry)
        for key in keys:
            self.by_key[key].append(number)
            if key[0] == "*" and len(key) > 1 and key[1] not in ".?":
                self._lookalike_lengths.add(len(key) - 1)

    def close(self, everything: int) -> None:
        """Note the deny-all entries at the very end: they only say what the default says anyway."""
        catch_all = set(self.by_key.get(ANY_KEY, ()))
        for number in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[number]
            if entry.allows or not entry.certain or entry.mask != everything or number not in catch_all:
                return
            self.closing.add(number)

    def numbers_at(self, key: str) -> list[int]:
        """The entries that match destination ``key``, in evaluation order."""
        around, more = self.numbers_around(key)
        return sorted([*around.numbers, *more]) if more else around.numbers

    def numbers_around(self, key: str) -> tuple[Around, Collection[int]]:
        """The entries that match ``key``: those it shares with every name of its parent domain, and those it has besides."""
        if key[0] in "#%@":
            return Around(self._merged(wider_keys(key))), ()
        if key in (ANY_KEY, DOUBTFUL_NAME):
            return Around(self._merged((key, DOUBTFUL_NAME))), ()
        around, more = self.around(self.parent_of(key)), self.numbers_beside(key)
        return around, {number for number in more if number not in around.known} if more else ()

    @staticmethod
    def parent_of(key: str) -> str:
        """The domain that holds every name of ``key`` and its neighbours, with its dot; empty above all domains."""
        dot = key.find(".", 2 if key[0] == "*" else 1)
        return key[dot:] if dot >= 0 else ""

    def around(self, parent: str) -> Around:
        """The entries that match every name of the domain ``parent``: where none is besides those around what holds it, the
        very same.
        """
        found = self._above.get(parent)
        if found is None:
            found = self._above[parent] = self._find_around(parent)
        return found

    def _find_around(self, parent: str) -> Around:
        if not parent:
            return Around(self._merged((ANY_KEY, DOUBTFUL_NAME)))
        holding = self.parent_of(parent)
        around = self.around(holding)
        wider = (f"*{parent}", *self._lookalikes(parent, len(holding)))
        more = {number for key in wider if key in self.by_key for number in self.by_key[key]}
        return Around(sorted(more.union(around.numbers))) if more - around.known else around

    def numbers_beside(self, key: str) -> Sequence[int]:
        """The entries at ``key`` and at look-alike wildcards around it that are no wildcards around its parent domain.

        In no order; one may stand there twice, and one may be around the parent domain as well.
        """
        found: Sequence[int] = self.by_key.get(key, ())
        if self._lookalike_lengths:
            size, inner = len(key) - (key[0] == "*"), len(self.parent_of(key))
            lengths = self._lengths.get((size, inner))
            if lengths is None:
                lengths = self._between(size, inner)
            for length in lengths:
                wider = "*" + key[-length:]
                if wider in self.by_key:
                    found = [*found, *self.by_key[wider]]
        return found

    def _lookalikes(self, suffix: str, inner: int) -> list[str]:
        """Wildcards without a dot that end ``suffix`` and are longer than its last ``inner`` characters."""
        size = len(suffix)
        lengths = self._lengths.get((size, inner))
        if lengths is None:
            lengths = self._between(size, inner)
        return ["*" + suffix[size - length :] for length in lengths]

    def _between(self, size: int, inner: int) -> tuple[int, ...]:
        found = tuple(length for length in self._lookalike_lengths if inner < length <= size)
        self._lengths[size, inner] = found
        return found

    def _merged(self, keys: Iterable[str]) -> list[int]:
        by_key = self.by_key
        return sorted({number for key in keys if key in by_key for number in by_key[key]})

    def keys_below(self, pattern: str) -> Iterator[str]:
        """The keys strictly inside wildcard ``pattern`` that some rule names."""
        if pattern[:1] != "*":
            return iter(())
        if self._inside is None:
            names = {
                key for key in self.by_key if key[0] not in "#%@" and key not in (ANY_KEY, DOUBTFUL_NAME)
            }
            self._inside = SuffixIndex(names.union(self._told_apart))
        return self._inside.below(pattern)


def wider_keys(key: str) -> Iterator[str]:
    """The keys whose rules match everything in ``key``, the most specific first."""
    if key[0] == "#":
        yield key
        if "." in key:
            yield key.partition(".")[0]
        yield ANY_KEY
        yield DOUBTFUL_NAME
    elif key.startswith(ENDPOINT):
        # Only a private endpoint makes a resource privately reachable: what opens every name does not.
        yield from (key, ENDPOINT, DOUBTFUL_NAME)
    elif key[0] == "%":
        yield from (key, ANY_KEY, DOUBTFUL_NAME)
    elif key[0] == "@":
        yield from (key, ANY_KEY, DOUBTFUL_ADDRESS)
    else:
        yield from ancestors(key)
        yield DOUBTFUL_NAME


class RuleIndex:
    """A ruleset ready for coverage questions; ``zones`` may be shared so that two indexes can be compared."""

    def __init__(
        self,
        ruleset: Ruleset,
        zones: Zones,
        facts: Facts = NOTHING_KNOWN,
        cuts: Sequence[Interval] = (),
        beside: RuleIndex | None = None,
    ) -> None:
        """``beside``: another index; what it knows of single rules is taken over where both have the same zones."""
        self.ruleset = ruleset
        self.zones = zones
        self.facts = facts
        self.cuts = cuts
        self._certain: dict[int, Entry] = beside._certain if beside and beside.zones is zones else {}
        """By identity of a rule, which the entry holds, its entry for any service, where nothing about it is in doubt."""
        self._tables: dict[Service, Table] = {}
        self._tables_of_names: dict[tuple[Service, str], Table] = {}
        self._known_names = frozenset((*facts.dns, *(item.partition("/")[0] for item in facts.categories)))

    @property
    def knows_names(self) -> bool:
        """Do facts tell more about single names? Then those have tables of their own."""
        return bool(self._known_names)

    def table_at(self, service: Service, key: str) -> Table:
        """The table that answers for destination ``key``: names that facts tell more about have their own."""
        if key not in self._known_names:
            return self.table(service)
        found = self._tables_of_names.get((service, key))
        if found is None:
            found = self._tables_of_names[service, key] = self._build_for_name(service, key)
        return found

    def table(self, service: Service) -> Table:
        found = self._tables.get(service)
        if found is None:
            found = self._tables[service] = self._build(service)
        return found

    def _build(self, service: Service) -> Table:
        table, settings = Table(self._known_names), self.ruleset.settings
        protocol, port = service
        for keys, mask in self._threats():
            table.add(keys, _threat_entry(mask, settings))
        transport = transport_of(protocol)
        for rule in self.ruleset.network:
            if is_protocol_match(rule.protocols, rule.ports, transport, port):
                self._add_network_rule(table, rule)
        if protocol in HTTP_PORTS:
            for application_rule in self.ruleset.application:
                if service in application_rule.services:
                    self._add_application_rule(table, application_rule, protocol)
            if self.facts.infrastructure:
                table.add(self.facts.infrastructure, _infrastructure_entry(self.zones))
        table.close(self.zones.everything)
        return table

    def _build_for_name(self, service: Service, name: str) -> Table:
        """The rules that match ``name``, with its address, its category and the members of tags as facts tell."""
        table, settings, (protocol, port) = Table(), self.ruleset.settings, service
        transport = transport_of(protocol)
        application = protocol if protocol in HTTP_PORTS else ""
        flow = Flow(source=0, port=port, transport=transport, application=application, sni=name, host=name)
        for keys, mask in self._threats():
            if name in keys or ANY_KEY in keys:
                table.add((ANY_KEY,), _threat_entry(mask, settings))
        for rule in self.ruleset.network:
            if is_protocol_match(rule.protocols, rule.ports, transport, port):
                self._add_match(table, rule, match_destination(rule, flow, self.facts, settings))
        for application_rule in self.ruleset.application:
            if service in application_rule.services:
                match = match_targets(application_rule, flow, name, self.facts, settings)
                self._add_match(table, application_rule, match)
        if application and any(Pattern(item).matches(name) for item in self.facts.infrastructure):
            table.add((ANY_KEY,), _infrastructure_entry(self.zones))
        table.close(self.zones.everything)
        return table

    def _threats(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Names, or every name, and the sources that threat intelligence denies before any rule is read, for certain
        or perhaps. The feed is known only from facts.
        """
        settings, facts = self.ruleset.settings, self.facts
        if settings.threat_mode not in ("deny", OPEN):
            return
        judged = self.zones.everything & ~self.zones.mask(settings.threat_allowed_addresses)
        allowed = [Pattern(item) for item in settings.threat_allowed_names]
        names = tuple(name for name in facts.threat_names if not any(item.matches(name) for item in allowed))
        if names:
            yield names, judged
        if facts.threat_addresses:
            yield (ANY_KEY,), judged & self.zones.mask(facts.threat_addresses)

    def _add_match(self, table: Table, rule: FilterRule, match: Match) -> None:
        if match.matched and match.certain:
            self._add(table, rule, (ANY_KEY,))
        elif match.matched:
            self._doubt(
                table, rule, ANY_KEY, "; ".join(match.unknowns), guess=(match.assumes, match.presumed)
            )

    def _add_network_rule(self, table: Table, rule: NetworkRule) -> None:
        if rule.destinations == EVERYWHERE:
            in_doubt = bool(rule.unmodelled or rule.state)
            self._add(table, rule, (ANY_KEY, ENDPOINT) if in_doubt else (ANY_KEY,))
            return
        names: tuple[str, ...] = ()
        if self.ruleset.settings.resolves_network_names and self.ruleset.settings.tier != "basic":
            names = rule.fqdns
        tags = tuple(f"#{tag.lower()}" for tag in rule.service_tags)
        cuts = tuple(self._cuts_within(rule.destinations))
        endpoint = (endpoint_key(rule.endpoint),) if rule.endpoint else ()
        self._add(table, rule, (*names, *tags, *cuts, *endpoint))
        if self.ruleset.settings.is_managed or self.ruleset.settings.names_only:
            return
        for keys, part, assumes in self._hidden_from_names(rule, names):
            self._doubt_addresses(table, rule, keys, [part], assumes)
        self._doubt_addresses(table, rule, (DOUBTFUL_ADDRESS,), rule.unresolved)
        for name in rule.fqdns:
            assumes = f"{name} resolves to an address of {{name}}"
            self._doubt_addresses(table, rule, (DOUBTFUL_ADDRESS,), [name], assumes)
        for tag in rule.service_tags:
            assumes = (
                f"the service tag {tag} holds an address of {{name}}" if rule.action is Action.ALLOW else ""
            )
            self._doubt_addresses(table, rule, (DOUBTFUL_ADDRESS,), [f"#{tag.lower()}"], assumes)

    def _hidden_from_names(
        self, rule: NetworkRule, names: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], object, str]]:
        """What of ``rule`` a name may have its address in: for which names, and what makes that improbable.

        Names of an allow are not assumed to share an address.
        """
        every = (DOUBTFUL_NAME,)
        yield from ((every, item, "") for item in rule.unresolved)
        for name in names if rule.action is Action.DENY else ():
            yield every, name, shares_address("{name}", name)
        for tag in rule.service_tags:
            yield from self._hidden_in_tag(tag, rule)
        if rule.destinations & INTERNET:
            narrow = is_narrow(rule.destinations)
            yield every, rule.destinations, resolves_into("{name}", rule) if narrow else ""

    def _hidden_in_tag(self, tag: str, rule: NetworkRule) -> Iterator[tuple[tuple[str, ...], object, str]]:
        members = self.facts.service_tags.get(tag.lower())
        every, assumes, about = (DOUBTFUL_NAME,), in_service_tag("{name}", tag), f"#{tag.lower()}"
        if members is not None:
            if members & INTERNET:
                yield every, about, assumes if is_narrow(members) else ""
        elif holds_any_name(tag):
            yield every, about, ""
        else:
            yield every, about, assumes
            yield _names_of_microsoft(), about, ""

    def _doubt_addresses(
        self,
        table: Table,
        rule: NetworkRule,
        keys: tuple[str, ...],
        parts: Iterable[object],
        assumes: str = "",
    ) -> None:
        for part in parts:
            named = f": {part}" if part in rule.unresolved else ""
            unknown = f"which addresses are behind rule {rule.ref}{named}"
            self._doubt(table, rule, keys, unknown, about=part, guess=(assumes, False))

    def keys_within(self, addresses: AddressSet) -> list[str]:
        """The cuts of the destination addresses that make up ``addresses``, as keys; they must have been cut so."""
        return list(self._cuts_within(addresses))

    def addresses_at(self, key: str) -> AddressSet:
        """The addresses of the cut that ``key`` stands for."""
        return AddressSet((self.cuts[int(key[1:])],)) if key[:1] == "@" else AddressSet()

    def _cuts_within(self, destinations: AddressSet) -> Iterator[str]:
        for number, (low, _) in enumerate(self.cuts):
            if low in destinations:
                yield f"@{number}"

    def _add_application_rule(self, table: Table, rule: ApplicationRule, protocol: str) -> None:
        if not (rule.fqdn_tags or rule.web_categories or rule.unresolved or rule.urls):
            if rule.patterns:
                self._add(table, rule, rule.patterns)
            return
        keys = [*rule.patterns, *(f"%{tag.lower()}" for tag in rule.fqdn_tags)]
        for tag in rule.fqdn_tags:
            members = self.facts.fqdn_tags.get(tag.lower())
            if members is None:
                self._doubt_tag(table, rule, tag)
            else:
                keys += members
        for category in rule.web_categories:
            assumes = "" if is_common_category(category) else f"{{name}} has the web category {category}"
            text = f"which names have the web category {category}"
            self._doubt(table, rule, ANY_KEY, text, guess=(assumes, False))
        for item in rule.unresolved:
            self._doubt(table, rule, ANY_KEY, f"the names behind {item}")
        for url in rule.urls if can_match_urls(rule, protocol, self.ruleset.settings) else ():
            self._add_url(table, rule, url)
        if keys:
            self._add(table, rule, keys)

    def _doubt_tag(self, table: Table, rule: ApplicationRule, tag: str) -> None:
        """Members are kept by Microsoft: what a page lists is likely one, what none lists is likely none."""
        text, documented = f"which names the FQDN tag {tag} holds", documented_members(tag)
        assumes, about = tag_gained("{name}", tag) if is_fqdn_tag(tag) else "", f"%{tag.lower()}"
        self._doubt(table, rule, ANY_KEY, text, about, guess=(assumes, False))
        if documented:
            guess = (tag_lost("{name}", tag, documented.read), True)
            self._doubt(table, rule, tuple(documented.members), text, about, guess=guess)

    def _add_url(self, table: Table, rule: ApplicationRule, url: str) -> None:
        if self.ruleset.settings.tier == "unknown" or find_url_fault(url):
            self._doubt(table, rule, ANY_KEY, f"what the service makes of the target URL {url}")
            return
        host = normalise(url.removeprefix("https://").removeprefix("http://").partition("/")[0])
        if matches_url(url, host.replace("*", "x"), None):
            self._add(table, rule, (host,))
        else:
            self._doubt(table, rule, host, f"the path asked for at {host}", about=url.rstrip("/"))

    def _add(self, table: Table, rule: FilterRule, keys: Iterable[str]) -> None:
        known = self._certain.get(id(rule)) or self._plain(rule)
        if known is not None:
            table.add(keys, known)
            return
        allows = rule.action is Action.ALLOW
        keys = tuple(keys)
        mask = self.zones.mask(rule.sources.addresses)
        doubt = "; ".join(doubts_about(rule))
        if mask:
            assumes = rule.assumes if doubt and isinstance(rule, NetworkRule) else ""
            entry = Entry(rule, mask, allows, not doubt, doubt, doubt, assumes)
            table.add(keys, entry)
        self._add_unresolved(table, rule, keys, allows)

    def _plain(self, rule: FilterRule) -> Entry | None:
        """The entry of a rule about which nothing is in doubt; None of any other."""
        if rule.unmodelled or rule.state or rule.sources.unresolved:
            return None
        mask = self.zones.mask(rule.sources.addresses)
        if not mask:
            return None
        found = self._certain[id(rule)] = Entry(rule, mask, rule.action is Action.ALLOW, True)
        return found

    def _add_unresolved(self, table: Table, rule: FilterRule, keys: Iterable[str], allows: bool) -> None:
        if rule.sources.unresolved:
            others = self.zones.everything & ~self.zones.mask(rule.sources.addresses)
            text = f"the members of {', '.join(rule.sources.unresolved)}"
            table.add(keys, Entry(rule, others, allows, certain=False, unknown=text, about=text))

    def _doubt(
        self,
        table: Table,
        rule: FilterRule,
        key: str | tuple[str, ...],
        unknown: str,
        about: object = None,
        guess: tuple[str, bool] = ("", False),
    ) -> None:
        """``guess``: the condition under which the likely answer is wrong, and that answer; empty where none is likely.

        That a rule matches is never likely where it is not certain to be in force, or for whom.
        """
        sources, allows, keys = (
            rule.sources,
            rule.action is Action.ALLOW,
            (key,) if isinstance(key, str) else key,
        )
        assumes, presumed = guess
        if presumed and (rule.unmodelled or rule.state):
            assumes, presumed = "", False
        own = self.zones.mask(sources.addresses)
        hangs_on: tuple[object, ...] = (about or unknown, (rule.unmodelled or rule.state) and rule.ref)
        table.add(keys, Entry(rule, own, allows, False, unknown, hangs_on, assumes, presumed))
        if sources.unresolved:
            others, hangs_on = self.zones.everything & ~own, (*hangs_on, sources.unresolved)
            assumes, presumed = ("", False) if presumed else (assumes, presumed)
            table.add(keys, Entry(rule, others, allows, False, unknown, hangs_on, assumes, presumed))

    def atomic_ports(self, protocol: str, ports: Interval) -> list[Interval]:
        """Cut ``ports`` where rules begin or end, so that one port speaks for each piece."""
        low, high = ports
        if low == high or protocol in HTTP_PORTS:
            return [(port, port) for port in range(low, high + 1)]
        edges = {low, high + 1}
        for rule in self.ruleset.network:
            for first, last in rule.ports:
                edges |= {edge for edge in (first, last + 1) if low < edge <= high}
        starts = sorted(edges)
        return [(start, after - 1) for start, after in itertools.pairwise(starts)]


@lru_cache(maxsize=1)
def _names_of_microsoft() -> tuple[str, ...]:
    return tuple(text for domain in microsoft_domains() for text in (domain, f"*.{domain}"))


def transport_of(protocol: str) -> str:
    """What carries it: the protocols of application rules run over TCP."""
    return "tcp" if protocol in HTTP_PORTS else protocol


def source_sets(ruleset: Ruleset, facts: Facts = NOTHING_KNOWN) -> Iterator[AddressSet]:
    """Every source set of the filter rules of ``ruleset``, and of what is judged before them."""
    yield ruleset.settings.threat_allowed_addresses
    yield facts.threat_addresses
    rules: tuple[FilterRule, ...] = (*ruleset.network, *ruleset.application)
    yield from (rule.sources.addresses for rule in rules)


def destination_cuts(*rulesets: Ruleset, asked: Iterable[AddressSet] = ()) -> tuple[Interval, ...]:
    """The destination address space cut wherever a network rule or something ``asked`` for begins or ends."""
    zones = Zones((*asked, *(rule.destinations for ruleset in rulesets for rule in ruleset.network)))
    return tuple(
        interval for bit in bits_of(zones.everything) for interval in zones.addresses(1 << bit).intervals
    )


def _threat_entry(mask: int, settings: Settings) -> Entry:
    ref = RuleRef(policy="", group="", collection="threat-intelligence", rule="")
    rule = NetworkRule(
        ref=ref, action=Action.DENY, sources=Sources(addresses=EVERYWHERE), protocols=frozenset(), ports=()
    )
    unknown = OPEN_THREAT_MODE if settings.threat_mode == OPEN else ""
    return Entry(rule, mask, allows=False, certain=not unknown, unknown=unknown, about=unknown or None)


def _infrastructure_entry(zones: Zones) -> Entry:
    ref = RuleRef(policy="", group="", collection="infrastructure", rule="")
    rule = ApplicationRule(
        ref=ref, action=Action.ALLOW, sources=Sources(addresses=EVERYWHERE), services=frozenset()
    )
    return Entry(rule, zones.everything, allows=True, certain=True)
