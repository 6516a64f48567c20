"""What the firewall surfaces share: ARM field texts into neutral values, each distinct list read once."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import msgspec

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import holds, shown, spelled, unmodelled_keys, unsettled
from allowlist.names import Dialect, Effect, are_plainly_valid, normalise, validity_of
from allowlist.rules.addresses import NOWHERE, AddressSet, Interval, parse_interval
from allowlist.rules.model import ALL_PORTS, OPEN, Sources

MARK_PREFIX = "allowlist:"


class FieldReader:
    """Reads rule fields of one estate; IP groups are looked up there and every list is parsed once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._sources: dict[tuple[tuple[str, ...], tuple[str, ...]], Sources] = {}
        self._names: dict[tuple[str, Dialect], _Name] = {}

    def sources(self, rule: Body) -> Sources:
        """Addresses and IP groups together: both at once are a union (the pages are silent)."""
        return self.sources_at(
            texts_of(rule.get("sourceAddresses", [])), texts_of(rule.get("sourceIpGroups", []))
        )

    def sources_at(self, texts: tuple[str, ...], group_ids: tuple[str, ...]) -> Sources:
        """The same of texts that were read already."""
        key = (texts, group_ids)
        found = self._sources.get(key)
        if found is None:
            addresses, other, unresolved = self.addresses(texts, group_ids)
            found = self._sources[key] = Sources(addresses=addresses, unresolved=(*other, *unresolved))
        return found

    @staticmethod
    def plain_names(names: list[Any], dialect: Dialect = Dialect.APPLICATION_RULE) -> tuple[str, ...] | None:
        """``names`` where each is a destination as normalised as can be; None where one has to be looked at closely."""
        is_text = set(map(type, names)) == {str}
        return tuple(names) if is_text and are_plainly_valid(names, dialect) else None

    def matching_names(self, names: list[Any]) -> tuple[str, ...] | None:
        """``names``, normalised, where each is a text that matches what it says; None where one does not."""
        if set(map(type, names)) != {str}:
            return None
        found = self.names(names)
        return None if found.opaque or found.ignored else found.patterns

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
            doubt = _doubt_about_group(group_id, group)
            if group is None or doubt:
                unresolved.append(doubt)
                continue
            for text in texts_of(spelled(group["properties"], _IP_GROUP)["ipAddresses"]):
                _read_address(text, intervals, unresolved)
        return (AddressSet.of(intervals) if intervals else NOWHERE), tuple(other), tuple(unresolved)

    def names(self, value: Any, dialect: Dialect = Dialect.APPLICATION_RULE) -> Names:
        """The destinations of a rule by name, sorted by what each does there (:data:`~allowlist.names.VALIDITY`)."""
        texts = _names_in(value)
        if not texts or are_plainly_valid(texts, dialect):
            return Names(texts)
        known = self._names
        found = [known.get((text, dialect)) or self._remember(text, dialect) for text in texts]
        return Names(
            *(
                tuple(item.text for item in found if item.effect is effect)
                for effect in (Effect.MATCHES, Effect.UNDOCUMENTED, Effect.NOTHING)
            )
        )

    def _remember(self, text: str, dialect: Dialect) -> _Name:
        row = validity_of(text, dialect)
        found = _Name(text, row.effect) if row else _Name(normalise(text), Effect.MATCHES)
        self._names[text, dialect] = found
        return found


def _names_in(value: Any) -> tuple[str, ...]:
    """As :func:`texts_of`; what is no text is no name, and may stand for any."""
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str) and item for item in items):
        return tuple(items)
    return texts_of([f"[{shown(item)} in place of a name]" if _is_no_text(item) else item for item in items])


def _is_no_text(value: Any) -> bool:
    return holds(value) and not isinstance(value, str)


class _Name(msgspec.Struct, frozen=True):
    text: str
    effect: Effect


class Names(msgspec.Struct, frozen=True):
    """``patterns`` are normalised; ``opaque`` may stand for any name; ``ignored`` are texts that match nothing."""

    patterns: tuple[str, ...]
    opaque: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


_IP_GROUP = frozenset({"ipAddresses", "firewalls", "firewallPolicies", "provisioningState"})


def _doubt_about_group(group_id: str, group: Body | None) -> str:
    """Why the members of an IP group are not known; empty where they are."""
    name = f"IP group {group_id.rpartition('/')[2]}"
    if group is None:
        return name
    state, unknown = unsettled(group), unmodelled_keys(group["properties"], _IP_GROUP)
    if not isinstance(spelled(group["properties"], _IP_GROUP).get("ipAddresses"), list):
        return f"{name}, whose addresses are not shown"
    if state:
        return f"{name}, which is {state}"
    return f"{name}, for the meaning of '{unknown[0]}' in it" if unknown else ""


def _read_address(text: str, intervals: list[Interval], other: list[str]) -> None:
    """An IPv6 text matches no flow the firewall carries: it does not support IPv6 (known issues page)."""
    try:
        intervals.append(parse_interval(text))
    except ValueError:
        if not _is_ipv6(text):
            other.append(text)


def _is_ipv6(text: str) -> bool:
    try:
        return all(ipaddress.IPv6Network(part.strip(), strict=False) for part in text.split("-"))
    except ValueError:
        return False


NOTHING = "[nothing stands there]"
"""What is read where a value belongs and ``null``, ``""`` or an empty object stands: it may be anything."""


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts of a list field; a single text (an expression of a template) counts as one of them.

    ``[]`` says that there are none. ``null``, an empty object or an empty text says nothing about what is there.
    """
    if isinstance(value, list):
        if not value:
            return ()
        return tuple(map(str, value)) if all(value) else tuple(map(_text, value))
    return (_text(value),)


def _text(value: Any) -> str:
    return str(value) if holds(value) else NOTHING


def ports_of(value: Any) -> tuple[Interval, ...]:
    """``*``, a port or ``a-b``; bounds are inclusive. Raises ValueError where one cannot be read."""
    return tuple(map(_port_interval, texts_of(value)))


def _port_interval(text: str) -> Interval:
    if text.strip() == "*":
        return ALL_PORTS
    low, _, high = text.partition("-")
    found = (int(low), int(high or low))
    if not 0 <= found[0] <= found[1]:
        raise ValueError(f"port {shown(text)}")
    return found


def object_of(value: Any) -> Body:
    """A nested object; empty where it is absent, or an expression of a template."""
    return value if isinstance(value, dict) else {}


TIERS = ("basic", "standard", "premium")


def tier_of(properties: Body) -> str:
    """The SKU's tier in lower case; ``unknown`` if it is none of those known, an expression of a template included."""
    sku = properties.get("sku") or {}
    tier = str(sku.get("tier") or "Standard" if isinstance(sku, dict) else sku).lower()
    return tier if tier in TIERS else "unknown"


THREAT_MODES = ("off", "alert", "deny")


def threat_mode_of(properties: Body) -> str:
    """What threat intelligence is set to, in lower case; ``open`` where it is none of the documented modes."""
    mode = str(properties.get("threatIntelMode") or "Off").lower()
    return mode if mode in THREAT_MODES else OPEN


def readable_addresses(texts: Iterable[str]) -> AddressSet:
    """Those of ``texts`` that are IPv4 addresses, prefixes or ranges."""
    intervals: list[Interval] = []
    for text in texts:
        _read_address(text, intervals, [])
    return AddressSet.of(intervals)


def owner_of(description: Any) -> str:
    """The workload named in our mark ``allowlist:<workload>:<catalog>@<version>#<entry>``, or nothing."""
    if not isinstance(description, str) or not description.startswith(MARK_PREFIX):
        return ""
    return description.removeprefix(MARK_PREFIX).partition(":")[0]
