"""Services of application rules that hold whole ranges of ports.

Azure's application rules list single ports. Other filters let a name through on a range of them, or on every port:
writing 65,535 pairs into each rule would make every question slow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from allowlist.rules.model import HTTP_PORTS, ApplicationRule, Ruleset

__all__ = ["PortRange", "PortRanges", "aligned", "service_texts"]

PortRange = tuple[str, int, int]
"""Protocol, first port, last port."""


class PortRanges(frozenset[tuple[str, int]]):
    """Every port of ``ranges``: ``in`` answers for all of them, iterating gives one port for each piece.

    A piece ends where ``cuts`` (first ports of pieces, by protocol) say so; ``aligned`` finds them.

    >>> web = PortRanges([("https", 1, 65535)])
    >>> ("https", 8443) in web, ("http", 80) in web, sorted(web)
    (True, False, [('https', 443)])
    >>> sorted(web.cut({"https": [443, 444]}))
    [('https', 1), ('https', 443), ('https', 444)]
    """

    ranges: tuple[PortRange, ...]

    def __new__(
        cls, ranges: Iterable[PortRange], cuts: Mapping[str, Iterable[int]] | None = None
    ) -> PortRanges:
        known = tuple(sorted(set(ranges)))
        found = super().__new__(cls, _pieces(known, cuts or {}))
        found.ranges = known
        return found

    def __contains__(self, service: object) -> bool:
        if not isinstance(service, tuple):
            return False
        protocol, port = service
        return any(name == protocol and low <= port <= high for name, low, high in self.ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PortRanges) and self.ranges == other.ranges

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.ranges)

    def cut(self, cuts: Mapping[str, Iterable[int]]) -> PortRanges:
        return PortRanges(self.ranges, cuts)


def _pieces(ranges: Iterable[PortRange], cuts: Mapping[str, Iterable[int]]) -> Iterator[tuple[str, int]]:
    """One port for each piece: the usual one of its protocol, where that lies in it."""
    for protocol, low, high in ranges:
        firsts = sorted({low, *(cut for cut in cuts.get(protocol, ()) if low < cut <= high)})
        usual = HTTP_PORTS.get(protocol, 0)
        for first, after in zip(firsts, [*firsts[1:], high + 1], strict=True):
            yield protocol, usual if first <= usual < after else first


def aligned(*rulesets: Ruleset) -> tuple[Ruleset, ...]:
    """The rulesets with ranges cut wherever a rule of any begins or ends, so that they can be compared."""
    rules = [rule for ruleset in rulesets for rule in ruleset.application]
    cuts = _edges(rules)
    ports = {
        edge
        for ruleset in rulesets
        for rule in ruleset.network
        for low, high in rule.ports
        for edge in (low, high + 1)
    }
    if not any(isinstance(rule.services, PortRanges) for rule in rules):
        return rulesets
    every = {protocol: cuts[protocol] | ports for protocol in (*HTTP_PORTS, *cuts)}
    return tuple(_cut(ruleset, every) for ruleset in rulesets)


def _edges(rules: Iterable[ApplicationRule]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for services in {rule.services for rule in rules}:
        for protocol, low, high in _ranges(services):
            found[protocol] |= {low, high + 1}
    return found


def _ranges(services: frozenset[tuple[str, int]]) -> Iterable[PortRange]:
    if isinstance(services, PortRanges):
        return services.ranges
    return [(protocol, port, port) for protocol, port in services]


def _cut(ruleset: Ruleset, cuts: Mapping[str, Iterable[int]]) -> Ruleset:
    known: dict[frozenset[tuple[str, int]], PortRanges] = {}
    rules = []
    for rule in ruleset.application:
        services = rule.services
        if isinstance(services, PortRanges):
            if services not in known:
                known[services] = services.cut(cuts)
            rules.append(replace(rule, services=known[services]))
        else:
            rules.append(rule)
    return replace(ruleset, application=tuple(rules))


def service_texts(services: frozenset[tuple[str, int]]) -> list[str]:
    """``https:443`` or ``https:1-65535``, in order."""
    return [
        f"{protocol}:{low}" if low == high else f"{protocol}:{low}-{high}"
        for protocol, low, high in sorted(_ranges(services))
    ]
