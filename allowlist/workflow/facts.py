"""What ARM cannot tell, given in a file: ``allowlist/facts/v1``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from allowlist.documents.reader import convert_source
from allowlist.documents.source import Path_, load_source
from allowlist.errors import InvalidInput, Problem
from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.flow import NOTHING_KNOWN, Facts

SCHEMA: Final = "allowlist/facts/v1"


class FactsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """DNS answers, members of tags, web categories, built-in names, threat feed: each by name.

    ``recorded`` is when the DNS answers were asked for, ``resolver`` whom; ``--resolve`` writes both.
    """

    schema: Literal["allowlist/facts/v1"]
    dns: dict[str, list[str]] = {}
    service_tags: dict[str, list[str]] = {}
    fqdn_tags: dict[str, list[str]] = {}
    categories: dict[str, str] = {}
    infrastructure: list[str] = []
    threat_fqdns: list[str] = []
    threat_addresses: list[str] = []
    recorded: str = ""
    resolver: str = ""


def read_facts_file(path: Path) -> FactsFile:
    """Raises InvalidInput with the place of every mistake."""
    return convert_source(load_source(path), FactsFile, SCHEMA)


def facts_of(file: FactsFile) -> Facts:
    """The facts of a file that was read or made. Raises ValueError for a text that is no address."""
    return _facts(file, lambda texts, place: AddressSet.parse(texts))


def age_of_answers(file: FactsFile, now: dt.datetime) -> int | None:
    """How many whole days ago the DNS answers were recorded; None where the file does not say."""
    try:
        recorded = dt.datetime.fromisoformat(file.recorded)
    except ValueError:
        return None
    when = recorded if recorded.tzinfo else recorded.replace(tzinfo=dt.UTC)
    return max((now - when).days, 0)


def read_facts(path: Path | None) -> Facts:
    """The facts of a file, or nothing. Raises InvalidInput with the place of every mistake."""
    if path is None:
        return NOTHING_KNOWN
    source = load_source(path)
    file = convert_source(source, FactsFile, SCHEMA)

    problems: list[Problem] = []

    def addresses(texts: list[str], place: Path_) -> AddressSet:
        try:
            return AddressSet.parse(texts)
        except ValueError as error:
            problems.append(source.problem(place, f"holds what is no address: {error}"))
            return NOWHERE

    facts = _facts(file, addresses)
    if problems:
        raise InvalidInput(problems)
    return facts


def _facts(file: FactsFile, addresses: Callable[[list[str], Path_], AddressSet]) -> Facts:
    return Facts(
        dns={name.lower(): addresses(texts, ("dns", name)) for name, texts in file.dns.items()},
        service_tags={
            tag.lower(): addresses(texts, ("service_tags", tag)) for tag, texts in file.service_tags.items()
        },
        fqdn_tags={
            tag.lower(): tuple(name.lower() for name in names) for tag, names in file.fqdn_tags.items()
        },
        categories=file.categories,
        infrastructure=tuple(name.lower() for name in file.infrastructure),
        threat_names=tuple(name.lower() for name in file.threat_fqdns),
        threat_addresses=addresses(file.threat_addresses, ("threat_addresses",)),
    )
