"""What the field found out and what packages asked for when they were run: each stands in a catalog, or is left out with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from allowlist.catalog import load_library
from allowlist.catalog.model import Catalog, Entry
from allowlist.catalog.packages import PackageAnswer, package_key, packages_in
from allowlist.catalog.reach import matches_shape
from tests.helpers.shared import SHARED, lacking

NOT_CITABLE = (
    "mcp.svc.cloud.microsoft",
    "{region}.realtimeapi-preview.ai.azure.com",
    "*.models.ai.azure.com",
    "shavamanifestazurecdnprod1.azureedge.net",
    "azurewatsonanalysis-prod.core.windows.net",
    "api.cloud.defender.microsoft.com",
    "azuremlexamples.blob.core.windows.net",
    "vstoken.actions.githubusercontent.com",
    "pkg-containers.githubusercontent.com",
)
"""No repository with a commit or a number says so: nobody could look it up."""

NO_RULE = ("169.254.169.254",)
"""Link-local: it never leaves the host, so no rule has to say it."""

PARAMETERS = {
    "python-index": "{}",
    "npm-registry": "{}",
    "debian-packages": "{}",
    "python-files": "*.{}",
    "choco-feed": "{}",
    "nuget-index": "{}",
    "Storage (tcp 445)": "storage",
}


def read(name: str) -> list[dict[str, Any]]:
    path = SHARED / "catalog" / name
    if not path.is_file():
        pytest.skip(lacking(path))
    return list(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def shape(value: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", value.lower())


def spellings(entry: Entry) -> Iterator[str]:
    for text in (*entry.addresses, entry.value, entry.written, entry.sub_resource):
        if text:
            yield shape(text)


def said() -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for catalog in load_library(environ={}):
        for entry in catalog.entries:
            for text in () if entry.until else spellings(entry):
                found.setdefault(text, []).append(entry)
    return found


def is_too_wide(fact: dict[str, Any]) -> bool:
    """A wide rule in a template proves nothing about the names inside it."""
    return bool(fact["service"] == "any" and fact["verdict"] == "dangerous")


def test_every_fact_of_the_field_is_said_or_left_out_for_a_reason() -> None:
    known = said()
    missing = [
        fact["value"]
        for fact in read("field-facts.yaml")
        if not is_too_wide(fact)
        and fact["value"] not in (*NOT_CITABLE, *NO_RULE)
        and PARAMETERS.get(fact["value"], shape(fact["value"])) not in known
    ]

    assert missing == []


def test_what_is_dead_or_dangerous_is_never_asked_for() -> None:
    known = said()
    asked = [
        (fact["value"], entry.id)
        for fact in read("field-facts.yaml")
        if fact["verdict"] == "dead" and fact["value"] not in NO_RULE
        for entry in known.get(shape(fact["value"]), ())
        if entry.is_egress and not entry.sources
    ]

    assert asked == []


def test_every_package_that_was_run_is_known_with_each_name_it_asked_for() -> None:
    index = packages_in(load_library(environ={}))
    missing = [
        f"{fact['package']} {fact['name']}"
        for fact in read("observed-facts.yaml")
        if not any(_answers(index, name, fact) for name in _packages(fact["package"]))
    ]

    assert missing == []


def _packages(text: str) -> list[str]:
    parts = [part.strip() for part in re.split("[,;]", text)]
    return [package_key(part.replace("npm ", "npm:").replace(" (Python)", "")) for part in parts]


def _answers(index: dict[str, list[PackageAnswer]], package: str, fact: dict[str, Any]) -> bool:
    wanted = PARAMETERS.get(fact["name"], shape(fact["name"]))
    answers = index.get(package, [])
    if wanted == "(none)":
        return any(answer.entry.kind == "nothing" for answer in answers)
    return any(
        _names(answer.entry, fact["name"], wanted)
        and (fact["need"] != "optional" or not _is_required(answer))
        for answer in answers
    )


def _names(entry: Entry, name: str, wanted: str) -> bool:
    """By its spelling, or as one of the names that the shape of its placeholders lets through."""
    return wanted in set(spellings(entry)) or (bool(entry.pattern) and matches_shape(entry.value, name))


def _is_required(answer: PackageAnswer) -> bool:
    return answer.entry.need == "required" and len(answer.entry.asked_by) == 1


def field_entries(catalogs: Iterator[Catalog]) -> list[Entry]:
    return [entry for catalog in catalogs for entry in catalog.entries if entry.is_from_field]


def test_no_evidence_names_a_person_or_a_place_that_nobody_can_look_up() -> None:
    bare = [
        (entry.id, item.where)
        for entry in field_entries(iter(load_library(environ={})))
        for item in entry.evidence
        if not item.repo and item.kind != "observed"
    ]

    assert bare == []
