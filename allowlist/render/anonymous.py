"""Evidence that can be shared: without addresses, hosts and files of people.

A pseudonym is the same everywhere under one key, and nobody can go back from it without the key, which is drawn for one run and
kept nowhere. Public names and public addresses of services stay: they are what the evidence is about.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from allowlist.traffic.account import Account, LeftOut
from allowlist.traffic.findings import Denied, Effect, Evidence, Excess, Redundant, Tally
from allowlist.traffic.query import FAULTS

_OWN: Final = (
    "local",
    "internal",
    "lan",
    "home",
    "corp",
    "private",
    "intranet",
    "localdomain",
    "arpa",
    "test",
    "invalid",
)
"""Last labels that no public name has: a name below them, or of one label, is a machine of somebody's own network."""
_KNOWN: Final = frozenset(FAULTS.values())
_IN_TEXT: Final = re.compile(
    r"(?<![\w.-])(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)(?![\w-]|\.\w)|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]+\]?"
)


@dataclass(frozen=True, slots=True)
class Veil:
    """Replaces what tells of people, under one ``key``."""

    key: bytes

    def named(self, kind: str, text: str) -> str:
        if not text:
            return ""
        return f"{kind}-{hmac.new(self.key, text.lower().encode(), hashlib.sha256).hexdigest()[:8]}"

    def client(self, address: str) -> str:
        return self.named("client", address)

    def host(self, name: str) -> str:
        """A public name or address as it is; a machine of somebody's own network by a pseudonym."""
        return self.named("host", name) if name and is_own(name) else name

    def names_in(self, text: str) -> str:
        """``text`` in which names stand among words."""
        return _IN_TEXT.sub(lambda found: self.host(found[0]) if is_machine(found[0]) else found[0], text)

    def end(self, end: str) -> str:
        """``name protocol:port``."""
        name, _, service = end.rpartition(" ")
        return f"{self.host(name)} {service}" if name else end

    def file(self, shown: str) -> str:
        return self.named("file", shown)


def error_text(text: str, places: Sequence[str], key: bytes) -> str:
    """What an error says, without the places that were named, what lies below them, and machines of somebody's own network."""
    for number, place in enumerate(places, 1):
        text = re.sub(re.escape(place) + r"[^\s:,]*", f"place {number}", text)
    return Veil(key).names_in(text)


def is_own(name: str) -> bool:
    """An address that is not of the public internet, or a name that no public resolver knows."""
    bare = name.strip("[]")
    try:
        return not ipaddress.ip_address(bare).is_global
    except ValueError:
        return "." not in bare or bare.rstrip(".").rpartition(".")[2].lower() in _OWN


def is_machine(word: str) -> bool:
    """As :func:`is_own`, of a word of a sentence: one label is no machine."""
    return ("." in word or ":" in word) and is_own(word)


def anonymised(evidence: Evidence, key: bytes) -> Evidence:
    """Without addresses of clients, hosts of their networks, and names of files."""
    veil = Veil(key)
    return replace(
        evidence,
        account=_account(evidence.account, veil),
        denied=tuple(_denied(item, veil) for item in evidence.denied),
        excess=tuple(_excess(item, veil) for item in evidence.excess),
        effects=tuple(_effect(item, veil) for item in evidence.effects),
        redundant=tuple(_redundant(item, veil) for item in evidence.redundant),
        refused=_doubts(evidence.refused, evidence.account, veil),
        what_if="the change" if evidence.what_if else "",
    )


def anonymous_account(account: Account, key: bytes) -> Account:
    """How the reading went, without names of files and what they held."""
    return _account(account, Veil(key))


def _tally(item: Tally, veil: Veil) -> Tally:
    sources: dict[str, int] = {}
    for source, count in item.sources.items():
        told = veil.client(source)
        sources[told] = sources.get(told, 0) + count
    return Tally(item.count, item.first, item.last, sources)


def _denied(item: Denied, veil: Veil) -> Denied:
    return replace(
        item, end=veil.end(item.end), name=veil.host(item.name), tally=_tally(item.tally, veil), by=veil.names_in(item.by),
        now_by=veil.names_in(item.now_by),
    )  # fmt: skip


def _excess(item: Excess, veil: Veil) -> Excess:
    return replace(
        item, end=veil.end(item.end), name=veil.host(item.name), tally=_tally(item.tally, veil),
        by=veil.names_in(item.by), tighten=veil.names_in(item.tighten),
    )  # fmt: skip


def _effect(item: Effect, veil: Veil) -> Effect:
    return replace(item, end=veil.end(item.end), tally=_tally(item.tally, veil))


def _redundant(item: Redundant, veil: Veil) -> Redundant:
    return replace(item, tally=_tally(item.tally, veil))


def _account(account: Account, veil: Veil) -> Account:
    """Of what lines held that were not understood nothing is told but why, as they may hold anything."""
    other = sum(count for _, count in account.categories)
    return replace(
        account,
        files=tuple((veil.file(name), shape) for name, shape in account.files),
        unread=tuple(_left_out(item, veil) for item in account.unread),
        left_out=tuple(_left_out(item, veil) for item in account.left_out),
        copies=tuple("a file is the same as another" for _ in account.copies),
        categories=(("not known", other),) if other else (),
        partial=tuple("what was read is not all there is" for _ in account.partial),
    )


def _left_out(item: LeftOut, veil: Veil) -> LeftOut:
    why = item.why if item.why in _KNOWN or item.why.startswith("its ") else "cannot be read"
    return LeftOut(file=veil.file(item.file), line=item.line, why=why)


def _doubts(refused: tuple[str, ...], account: Account, veil: Veil) -> tuple[str, ...]:
    """Why nothing is called unused, told of the account as it is shown."""
    return tuple(_account(account, veil).doubts()) if refused == tuple(account.doubts()) else refused
