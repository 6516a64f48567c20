"""What the firewall surfaces share: ARM field texts into neutral values, each distinct list read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allowlist.names import normalise
from allowlist.rules.addresses import NOWHERE, AddressSet, Interval, parse_interval
from allowlist.rules.model import ALL_PORTS, Sources
from allowlist.surfaces.estate import Body, Estate

MARK_PREFIX = "allowlist:"


class FieldReader:
    """Reads rule fields of one estate; IP groups are looked up there and every list is parsed once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._sources: dict[tuple[tuple[str, ...], tuple[str, ...]], Sources] = {}
        self._names: dict[str, str] = {}

    def sources(self, rule: Body) -> Sources:
        """Addresses and IP groups together: both at once are a union (the pages are silent; switchable there)."""
        key = (tuple(rule.get("sourceAddresses") or ()), tuple(rule.get("sourceIpGroups") or ()))
        found = self._sources.get(key)
        if found is None:
            addresses, other, unresolved = self.addresses(*key)
            found = self._sources[key] = Sources(addresses=addresses, unresolved=(*other, *unresolved))
        return found

    def addresses(
        self, texts: Iterable[str], group_ids: Iterable[str]
    ) -> tuple[AddressSet, tuple[str, ...], tuple[str, ...]]:
        """Addresses, then texts that are none (service tags), then IP groups that could not be read."""
        intervals: list[Interval] = []
        other: list[str] = []
        unresolved: list[str] = []
        for text in texts:
            _read_address(text, intervals, other)
        for group_id in group_ids:
            group = self._estate.get(group_id)
            if group is None:
                unresolved.append(f"IP group {group_id.rpartition('/')[2]}")
                continue
            for text in group["properties"].get("ipAddresses") or ():
                _read_address(text, intervals, unresolved)
        return (AddressSet.of(intervals) if intervals else NOWHERE), tuple(other), tuple(unresolved)

    def patterns(self, texts: Iterable[str] | None) -> tuple[str, ...]:
        """Target FQDNs as normalised pattern texts; a text that is no name matches nothing and stays as it is."""
        return tuple([self._names.get(text) or self._remember(text) for text in texts or ()])

    def _remember(self, text: str) -> str:
        try:
            pattern = normalise(text)
        except UnicodeError:
            pattern = text
        self._names[text] = pattern
        return pattern


def _read_address(text: str, intervals: list[Interval], other: list[str]) -> None:
    try:
        intervals.append(parse_interval(text))
    except ValueError:
        other.append(text)


def ports_of(texts: Iterable[str] | None) -> tuple[Interval, ...]:
    """``*``, a port or ``a-b``; bounds are inclusive."""
    return tuple(_port_interval(text) for text in texts or ())


def _port_interval(text: str) -> Interval:
    if text.strip() == "*":
        return ALL_PORTS
    low, _, high = text.partition("-")
    return (int(low), int(high or low))


def unmodelled_fields(rule: Mapping[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """Fields of a rule that this version does not know and that are not empty: they may narrow the match."""
    return tuple(
        key for key, value in rule.items() if key not in known and value not in (None, [], {}, "", False)
    )


def owner_of(description: str | None) -> str:
    """The workload named in our mark ``allowlist:<workload>:<catalog>@<version>#<entry>``, or nothing."""
    if not description or not description.startswith(MARK_PREFIX):
        return ""
    return description.removeprefix(MARK_PREFIX).partition(":")[0]
