"""Every documented fact stands in a catalog: its value, each of its ports, in each of its clouds."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
import yaml

from allowlist.catalog import load_library
from allowlist.catalog.model import Entry, Kind, Port, Protocol
from tests.helpers.shared import SHARED, lacking

FACTS_FILE = SHARED / "catalog" / "catalog-facts.yaml"
DESCRIBED = ("ip_range", "port_only", "none", "private_endpoint")
"""Kinds whose value is a description or a resource of the reader's: their number is compared, not their text."""

PARAMETERS = {
    "python-index.example": "{python_index}",
    "*.python-files.example": "*.{python_files}",
    "npm-registry.example": "{npm_registry}",
    "debian-packages.example": "{debian_packages}",
}
OF_THE_READER = "{target of", "{host your", "{external api"
"""Destinations only the reader knows: the catalogs say in words that they are needed, with a name to fill in."""


def read_facts() -> list[dict[str, Any]]:
    if not FACTS_FILE.is_file():
        pytest.skip(lacking(FACTS_FILE))
    return list(yaml.load(FACTS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["facts"])


def entries_by_value() -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for catalog in load_library(environ={}):
        for entry in catalog.entries:
            for text in {entry.value, entry.written} - {""}:
                found[text.lower()].append(entry)
    return found


def ports_of(fact: dict[str, Any]) -> list[Port]:
    return [port_of(str(item["protocol"]), str(item["port"])) for item in fact.get("ports") or ()]


def port_of(protocol: str, port: str) -> Port:
    first, _, last = port.replace("*", "0-65535").partition("-")
    return Port(Protocol(protocol), int(first), int(last or first))


def is_said_by(fact: dict[str, Any], cloud: str, entries: list[Entry]) -> bool:
    """By one entry or several: do they carry every port of ``fact`` in ``cloud``, and still, if it still holds?"""
    usable = [
        port
        for entry in entries
        if cloud in entry.clouds and (fact.get("removed") or not entry.until)
        for port in entry.ports or (None,)
    ]
    return bool(usable) and all(any(same_port(port, wanted) for port in usable) for wanted in ports_of(fact))


def same_port(said: Port | None, wanted: Port) -> bool:
    if said is None:
        return False
    web = (Protocol.HTTPS, Protocol.HTTP)
    over_tcp = said.protocol in web and wanted.protocol is Protocol.TCP
    return said.covers(wanted) or (over_tcp and (said.first, said.last) == (wanted.first, wanted.last))


def test_every_named_fact_is_said_by_a_catalog() -> None:
    entries = entries_by_value()
    missing = [
        f"{fact['id']} ({cloud}): {fact['value']} {[str(port) for port in ports_of(fact)]}"
        for fact in read_facts()
        if fact["kind"] not in DESCRIBED and not str(fact["value"]).startswith(OF_THE_READER)
        for cloud in fact["clouds"]
        if not is_said_by(
            fact, cloud, entries.get(str(PARAMETERS.get(fact["value"], fact["value"])).lower(), [])
        )
    ]

    assert missing == []


def test_every_described_fact_has_its_entry() -> None:
    facts = Counter(fact["service"] for fact in read_facts() if fact["kind"] in DESCRIBED)
    described = {Kind.ADDRESSES, Kind.PORTS_ONLY, Kind.NOTHING, Kind.PRIVATE_ENDPOINT}
    said = sum(
        entry.kind in described or bool(entry.written)
        for c in load_library(environ={})
        for entry in c.entries
    )

    assert said >= facts.total()


def test_a_fact_that_has_gone_is_not_asked_for_by_its_page_any_more() -> None:
    entries = entries_by_value()
    gone = [fact for fact in read_facts() if fact.get("removed") and fact["kind"] not in DESCRIBED]
    still = {str(f["value"]).lower() for f in read_facts() if not f.get("removed")}

    asked = [
        fact["value"]
        for fact in gone
        if str(fact["value"]).lower() not in still
        and any(not entry.until for entry in entries.get(str(fact["value"]).lower(), []) if not entry.written)
    ]

    assert asked == []
