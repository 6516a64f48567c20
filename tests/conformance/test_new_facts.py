"""Documented facts that no catalog had: each stands in the catalog of its service now, or is left out with a reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from allowlist.catalog import load_library
from allowlist.catalog.model import Entry, Port, Protocol
from tests.helpers.shared import SHARED, lacking

FACTS_FILE = SHARED / "catalog" / "new-facts.yaml"

CATALOG_OF = {"github-copilot": "github", "nvidia-nim": "nvidia"}
"""Where the service of a fact is called otherwise than the catalog; the rest is the first word of the service."""

LEFT_OUT: dict[tuple[str, str], str] = {}
"""(service, value) of a fact that no catalog says on purpose, and why."""


def facts() -> list[dict[str, Any]]:
    if not FACTS_FILE.is_file():
        pytest.skip(lacking(FACTS_FILE))
    return list(yaml.load(FACTS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def catalog_of(service: str) -> str:
    name = service.split(" ")[0]
    return CATALOG_OF.get(name, name)


def shape(value: str) -> str:
    """Two spellings of one placeholder are one name."""
    return re.sub(r"\{[^}]*\}", "{}", value.lower())


def clouds(fact: dict[str, Any]) -> list[str]:
    return [part.strip() for part in str(fact.get("cloud") or "public").split(",")]


def ports(fact: dict[str, Any]) -> list[Port]:
    if fact["port"] is None:
        return []
    protocol = {"wss": "https"}.get(str(fact["protocol"]), str(fact["protocol"]))
    texts = [part.strip() for part in str(fact["port"]).split(",")]
    return [Port(Protocol(protocol), *_range(text)) for text in texts]


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def says(entries: list[Entry], fact: dict[str, Any], cloud: str) -> bool:
    usable = [entry for entry in entries if cloud in entry.clouds and not entry.until]
    carried = [port for entry in usable for port in entry.ports]
    return bool(usable) and all(any(_same(port, wanted) for port in carried) for wanted in ports(fact))


def _same(said: Port, wanted: Port) -> bool:
    numbers = said.first <= wanted.first and wanted.last <= said.last
    over_tcp = {said.protocol, wanted.protocol} <= {Protocol.HTTP, Protocol.HTTPS, Protocol.TCP}
    return numbers and (said.covers(wanted) or over_tcp)


def spellings(entry: Entry) -> set[str]:
    return {shape(text) for text in (*entry.addresses, entry.value, entry.written) if text}


def test_every_new_fact_stands_in_the_catalog_of_its_service() -> None:
    library = load_library(environ={})
    missing = []
    for fact in facts():
        name = catalog_of(fact["service"])
        entries = library.get(name).entries if name in library.catalogs else ()
        said = [entry for entry in entries if shape(str(fact["value"])) in spellings(entry)]
        left_out = (fact["service"], fact["value"]) in LEFT_OUT
        if not left_out and not all(says(said, fact, cloud) for cloud in clouds(fact)):
            missing.append(f"{fact['service']}: {fact['value']} {fact['port']}")

    assert missing == []


def test_every_live_entry_says_where_it_comes_from_with_a_commit_or_a_day() -> None:
    bare = [
        f"{catalog.name}#{entry.id}"
        for catalog in load_library(environ={})
        for entry in catalog.entries
        if not entry.until and not (entry.sources or entry.evidence)
    ]

    assert bare == []
