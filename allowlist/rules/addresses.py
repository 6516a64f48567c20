"""Sets of IPv4 addresses as Azure writes them: ``*``, an address, a prefix, a range."""

from __future__ import annotations

import ipaddress
import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

Interval = tuple[int, int]
LAST_ADDRESS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Disjoint closed intervals of IPv4 addresses, ascending, never adjacent; equal sets are equal values.

    >>> hub = AddressSet.parse(["10.0.0.0/25", "10.0.0.128-10.0.0.255"])
    >>> hub == AddressSet.parse(["10.0.0.0/24"]), str(hub - AddressSet.parse(["10.0.0.64/26"]))
    (True, '10.0.0.0/26, 10.0.0.128/25')
    """

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> AddressSet:
        """Raises ValueError naming the first text that is no address, prefix, range or ``*``."""
        return _parsed(tuple(texts))

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> AddressSet:
        merged: list[Interval] = []
        for low, high in sorted(intervals):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __contains__(self, address: int) -> bool:
        at = bisect_right(self.intervals, (address, LAST_ADDRESS)) - 1
        return at >= 0 and address <= self.intervals[at][1]

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet.of((*self.intervals, *other.intervals))

    def __and__(self, other: AddressSet) -> AddressSet:
        return AddressSet.of(
            (max(a, c), min(b, d))
            for a, b in self.intervals
            for c, d in other.intervals
            if max(a, c) <= min(b, d)
        )

    def __sub__(self, other: AddressSet) -> AddressSet:
        return self & other.complement()

    @property
    def size(self) -> int:
        """How many addresses it holds."""
        return sum(high - low + 1 for low, high in self.intervals)

    def complement(self) -> AddressSet:
        edges = [(-1, -1), *self.intervals, (LAST_ADDRESS + 1, LAST_ADDRESS + 1)]
        gaps = ((left[1] + 1, right[0] - 1) for left, right in itertools.pairwise(edges))
        return AddressSet.of((low, high) for low, high in gaps if low <= high)

    def is_subset(self, other: AddressSet) -> bool:
        return not self - other

    def witness(self) -> str | None:
        """A plain host address of the set, not the network address where there is a choice."""
        if not self.intervals:
            return None
        if self.intervals == ((0, LAST_ADDRESS),):
            return "10.0.0.4"
        low, high = self.intervals[0]
        return address_text(min(low + 4, high))

    def texts(self) -> tuple[str, ...]:
        """The set as Azure would write it: ``*``, prefixes, single addresses."""
        return _texts(self.intervals)

    def __str__(self) -> str:
        return ", ".join(self.texts()) or "nothing"


EVERYWHERE = AddressSet(((0, LAST_ADDRESS),))
NOWHERE = AddressSet()


@lru_cache(maxsize=65536)
def _parsed(texts: tuple[str, ...]) -> AddressSet:
    return AddressSet.of(map(parse_interval, texts))


@lru_cache(maxsize=65536)
def _texts(intervals: tuple[Interval, ...]) -> tuple[str, ...]:
    if intervals == ((0, LAST_ADDRESS),):
        return ("*",)
    return tuple(text for low, high in intervals for text in _prefixes(low, high))


def _prefixes(low: int, high: int) -> Iterator[str]:
    """The fewest prefixes that make up an interval, ascending; a single address is written without its length.

    >>> list(_prefixes(10 << 24, (10 << 24) + 256))
    ['10.0.0.0/24', '10.0.1.0']
    """
    while low <= high:
        aligned = low & -low if low else LAST_ADDRESS + 1
        size = min(aligned, 1 << ((high - low + 1).bit_length() - 1))
        yield address_text(low) if size == 1 else f"{address_text(low)}/{33 - size.bit_length()}"
        low += size


def address_text(address: int) -> str:
    """An IPv4 address as people write it.

    >>> address_text(10 << 24 | 4)
    '10.0.0.4'
    """
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def plain_address(text: str) -> int | None:
    """The address that four plain numbers stand for; None for whatever is written in another way.

    >>> plain_address("10.0.0.4") == (10 << 24 | 4), plain_address("10.0.0.04"), plain_address("10.0.0.0/8")
    (True, None, None)
    """
    parts = text.split(".")
    if len(parts) != 4:
        return None
    try:
        first, second, third, fourth = map(int, parts)
    except ValueError:
        return None
    number = first << 24 | second << 16 | third << 8 | fourth
    is_plain = 0 <= number <= LAST_ADDRESS and address_text(number) == text
    return number if is_plain else None


@lru_cache(maxsize=65536)
def parse_interval(text: str) -> Interval:
    """One Azure source or destination address text as a closed interval. Raises ValueError."""
    text = text.strip()
    if text in ("*", "Any", "any"):
        return (0, LAST_ADDRESS)
    low, dash, high = text.partition("-")
    if dash:
        first, last = int(ipaddress.IPv4Address(low.strip())), int(ipaddress.IPv4Address(high.strip()))
        if first > last:
            raise ValueError(f"'{text}' runs backwards")
        return (first, last)
    network = ipaddress.IPv4Network(text, strict=False)
    return (int(network.network_address), int(network.broadcast_address))


def _special_use() -> AddressSet:
    """Addresses that are not reached over the Internet (RFC 6890 and its registry)."""
    blocks = (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
        "192.168.0.0/16 224.0.0.0/4 240.0.0.0/4"
    )
    return AddressSet.parse(blocks.split())


NOT_INTERNET = _special_use()
INTERNET = NOT_INTERNET.complement()
