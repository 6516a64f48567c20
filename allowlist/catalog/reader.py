"""Read one catalog file. Every mistake is told at once, with file, line, column and the next step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from allowlist.azure.facts import service_tags
from allowlist.catalog.document import SCHEMA, CatalogDocument, EntryDocument
from allowlist.catalog.model import (
    Catalog,
    Client,
    Direction,
    Entry,
    Evidence,
    Kind,
    Need,
    Release,
    Scenario,
    parse_port,
)
from allowlist.catalog.model import Source as Provenance
from allowlist.catalog.versions import NEXT, is_version, parse_version
from allowlist.documents.prepared import prepared
from allowlist.documents.reader import convert_source, near_miss
from allowlist.documents.source import Source, load_source
from allowlist.errors import InvalidInput, Problem
from allowlist.names import InvalidPattern, parse_pattern
from allowlist.rules.requirement import FIELD_SCENARIO

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.([A-Za-z0-9]+|\{[A-Za-z]+\}))?")
_DESTINATIONS = tuple(Kind)

Complaints = Iterator[tuple[tuple[str | int, ...], str]]


def read_catalog(path: Path) -> Catalog:
    """The catalog in ``path``. Raises InvalidInput with every mistake."""
    return parse_catalog(load_source(path), name=path.stem)


def parse_catalog(source: Source, *, name: str) -> Catalog:
    """The catalog in ``source``, which must carry ``name``. Raises InvalidInput with every mistake."""
    reading = read_what_is_readable(source, name=name)
    if reading.problems or reading.catalog is None:
        raise InvalidInput(reading.problems, hint="catalogs/README.md shows the format by example")
    return reading.catalog


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says, mistakes or not. ``catalog`` holds the sound entries and ``source`` their positions."""

    catalog: Catalog | None
    source: Source
    problems: tuple[Problem, ...]


def read_what_is_readable(source: Source, *, name: str) -> Reading:
    """All mistakes of a catalog file at once, and the entries that have none. Never raises."""
    document, source, problems = _convert(source)
    if document is None:
        return Reading(catalog=None, source=source, problems=problems)
    complaints = list(_complaints(document, name))
    problems = (*problems, *(source.problem(path, message) for path, message in complaints))
    broken = {path[1] for path, _ in complaints if path[0] == "entries"}
    if any(path[0] != "entries" for path, _ in complaints):
        return Reading(catalog=None, source=source, problems=problems)
    sound = [index for index in range(len(document.entries)) if index not in broken]
    document.entries = [document.entries[index] for index in sound]
    source = source.only("entries", sound) if broken else source
    return Reading(catalog=_to_catalog(document), source=source, problems=problems)


def _convert(source: Source) -> tuple[CatalogDocument | None, Source, tuple[Problem, ...]]:
    """The document, without entries of a wrong shape, and what is wrong with their shape."""
    try:
        return convert_source(source, CatalogDocument, SCHEMA), source, ()
    except InvalidInput as error:
        problems = tuple(error.problems)
    entries = source.data.get("entries") if isinstance(source.data, dict) else None
    if not isinstance(entries, list):
        return None, source, problems
    kept = [index for index, entry in enumerate(entries) if _is_entry(entry)]
    source = source.only("entries", kept)
    try:
        return convert_source(source, CatalogDocument, SCHEMA), source, problems
    except InvalidInput:
        return None, source, problems


def _is_entry(data: object) -> bool:
    try:
        msgspec.convert(data, prepared(EntryDocument))
    except msgspec.ValidationError:
        return False
    return True


def _complaints(document: CatalogDocument, name: str) -> Complaints:
    if document.name != name:
        yield ("name",), f"is '{document.name}', but the file is called '{name}.yaml'; use one name"
    yield from _release_complaints(document)
    yield from _repeated_ids(document)
    for index, entry in enumerate(document.entries):
        for check in _ENTRY_CHECKS:
            for path, message in check(document, entry):
                yield ("entries", index, *path), message


def _release_complaints(document: CatalogDocument) -> Complaints:
    releases = document.releases
    if releases and releases[0].version != "1.0.0":
        yield ("releases", 0, "version"), f"is {releases[0].version}; the first release is 1.0.0"
    for index, release in enumerate(releases):
        if release.version == NEXT:
            yield ("releases", index, "version"), "is 'next'; a release has a number"
    for index, (older, newer) in enumerate(pairwise(releases), 1):
        if parse_version(newer.version) <= parse_version(older.version):
            yield ("releases", index, "version"), f"{newer.version} does not come after {older.version}"
        if newer.date < older.date:
            yield ("releases", index, "date"), f"{newer.date} lies before {older.date}; releases ascend"


def _repeated_ids(document: CatalogDocument) -> Complaints:
    first: dict[str, int] = {}
    for index, entry in enumerate(document.entries):
        if entry.id in first:
            yield (
                ("entries", index, "id"),
                f"'{entry.id}' is already the id of entry number {first[entry.id] + 1}",
            )
        first.setdefault(entry.id, index)


def _check_versions(document: CatalogDocument, entry: EntryDocument) -> Complaints:
    released = [release.version for release in document.releases]
    for field, text in (("since", entry.since), ("until", entry.until)):
        if text is not None and text != NEXT and text not in released:
            hint = near_miss(text, released) or "; a new entry says 'next'"
            yield (field,), f"{text} is not among the releases of this catalog{hint}"
    if entry.until and is_version(entry.until) and parse_version(entry.until) <= parse_version(entry.since):
        yield ("until",), f"{entry.until} does not come after since ({entry.since})"


def _check_destination(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    given = [kind for kind in _DESTINATIONS if getattr(entry, kind)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        yield (), f"names {found}; an entry has exactly one of {', '.join(_DESTINATIONS)}"
    if entry.sub_resource and not entry.private_endpoint:
        yield ("sub_resource",), "belongs to a private_endpoint only"


def _check_pattern(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    if entry.pattern is None:
        return
    if not entry.pattern.isascii():
        yield ("pattern",), f"'{entry.pattern}' has letters outside ASCII; write the punycode form (xn--…)"
        return
    try:
        filled = PLACEHOLDER.sub("x", entry.pattern)
        parse_pattern(filled if PLACEHOLDER.fullmatch(entry.pattern) is None else f"{filled}.example")
    except InvalidPattern as error:
        is_tag = entry.pattern.lower() in {tag.lower() for tag in service_tags().service_tags}
        meant = f"; it is a service tag: write 'service_tag: {entry.pattern}'" if is_tag else ""
        yield ("pattern",), f"{error}{meant}"


def _check_tag(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    for field, tag in (("service_tag", entry.service_tag), ("fqdn_tag", entry.fqdn_tag)):
        if tag is not None and not _TAG.fullmatch(tag):
            yield (
                (field,),
                f"'{tag}' is no tag: letters and digits, and at most one dot before a region or sub-tag",
            )


def _check_ports(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    for index, text in enumerate(entry.ports):
        try:
            parse_port(text)
        except ValueError as error:
            yield ("ports", index), str(error)
    if not entry.ports and not (entry.private_endpoint or entry.nothing):
        yield (), "lacks ports; write for example 'ports: [https:443]'"
    if entry.ports and entry.nothing:
        yield ("ports",), "an entry that says 'nothing: true' has no ports"


def _check_need(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    if entry.need is Need.CONDITIONAL and not entry.condition:
        yield ("need",), "is conditional, but no condition says when; add 'condition: …'"
    if entry.need is Need.REQUIRED and entry.condition:
        yield ("condition",), "stands beside 'need: required'; write 'need: conditional'"


def _check_scenario(document: CatalogDocument, entry: EntryDocument) -> Complaints:
    if entry.scenario not in document.scenarios:
        yield (
            ("scenario",),
            f"'{entry.scenario}' is not declared under scenarios{near_miss(entry.scenario, document.scenarios)}",
        )


def _check_consumers(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    unwanted = bool(entry.refuse or entry.dead_since)
    idle = entry.nothing or entry.direction is Direction.INBOUND or unwanted
    if idle and entry.consumers:
        what = "a refused or retired" if unwanted else "an inbound or a 'needs nothing'"
        yield ("consumers",), f"must be empty: nobody's egress list carries {what} entry"
    if not idle and not entry.consumers:
        yield (), "lacks consumers; say who needs it, for example 'consumers: [customer-firewall]'"


def _check_unwanted(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    if entry.refuse and entry.dead_since:
        yield ("refuse",), "stands beside 'dead_since'; a retired name needs no refusing"
    for field in ("refuse", "dead_since"):
        if getattr(entry, field) and entry.need is not Need.OPTIONAL:
            yield (
                ("need",),
                f"is {entry.need}, but '{field}' says that nobody needs it; write 'need: optional'",
            )


def _check_field(document: CatalogDocument, entry: EntryDocument) -> Complaints:
    """What only the field knows is opt-in and conditional."""
    if entry.scenario != FIELD_SCENARIO:
        return
    if document.scenarios[FIELD_SCENARIO].default if FIELD_SCENARIO in document.scenarios else False:
        yield ("scenario",), "is 'field', which can be no default: say 'default: false' under scenarios"
    if entry.need is Need.REQUIRED:
        yield ("need",), "is required; what only the field knows is conditional or optional"
    if not entry.evidence:
        yield ("scenario",), "is 'field', but no evidence says who found it; add 'evidence: …'"


def _check_evidence(_: CatalogDocument, entry: EntryDocument) -> Complaints:
    for index, item in enumerate(entry.evidence):
        place = item.commit or any(letter.isdigit() for letter in item.where) or item.version
        if item.repo and not place:
            yield ("evidence", index, "where"), "names neither a commit nor the number of an issue"


def _check_placeholders(document: CatalogDocument, entry: EntryDocument) -> Complaints:
    for field, text in _texts_with_placeholders(entry):
        for name in PLACEHOLDER.findall(text):
            if name not in document.placeholders:
                hint = near_miss(name, document.placeholders)
                yield field, f"uses {{{name}}}, which is not declared under placeholders{hint}"


def _texts_with_placeholders(entry: EntryDocument) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for field in (Kind.PATTERN, Kind.SERVICE_TAG, Kind.FQDN_TAG, Kind.PRIVATE_ENDPOINT):
        yield (str(field),), getattr(entry, field) or ""
    for index, address in enumerate(entry.addresses or ()):
        yield ("addresses", index), address


_ENTRY_CHECKS: tuple[Callable[[CatalogDocument, EntryDocument], Complaints], ...] = (
    _check_versions,
    _check_destination,
    _check_pattern,
    _check_tag,
    _check_ports,
    _check_need,
    _check_scenario,
    _check_consumers,
    _check_unwanted,
    _check_field,
    _check_evidence,
    _check_placeholders,
)


def _to_catalog(document: CatalogDocument) -> Catalog:
    return Catalog(
        name=document.name,
        title=document.title,
        description=document.description,
        scenarios={
            key: Scenario(title=scenario.title, default=scenario.default)
            for key, scenario in document.scenarios.items()
        },
        placeholders=dict(document.placeholders),
        releases=tuple(
            Release(version=item.version, date=item.date, note=item.note, digest=item.digest)
            for item in document.releases
        ),
        entries=tuple(_to_entry(entry) for entry in document.entries),
    )


def _to_entry(entry: EntryDocument) -> Entry:
    kind = next(kind for kind in _DESTINATIONS if getattr(entry, kind))
    return Entry(
        id=entry.id,
        since=entry.since,
        until=entry.until or "",
        kind=kind,
        value=_value_of(entry, kind),
        sub_resource=entry.sub_resource or "",
        ports=tuple(parse_port(text) for text in entry.ports),
        need=entry.need,
        condition=entry.condition or "",
        clouds=tuple(entry.clouds),
        scenario=entry.scenario,
        consumers=tuple(entry.consumers),
        direction=entry.direction,
        alternative=entry.alternative or "",
        written=entry.written or "",
        purpose=entry.purpose,
        breaks=entry.breaks or "",
        risk=entry.risk or "",
        contradiction=entry.contradiction or "",
        note=entry.note or "",
        sources=tuple(
            Provenance(repo=item.repo, path=item.path, commit=item.commit, date=item.date)
            for item in entry.sources
        ),
        refuse=entry.refuse or "",
        owner=entry.owner or "",
        dead_since=entry.dead_since or "",
        evidence=tuple(
            Evidence(**{name: getattr(item, name) for name in Evidence.__struct_fields__})
            for item in entry.evidence
        ),
        asked_by=tuple(
            Client(**{name: getattr(item, name) for name in Client.__struct_fields__})
            for item in entry.asked_by
        ),
    )


def _value_of(entry: EntryDocument, kind: Kind) -> str:
    given = getattr(entry, kind)
    if kind is Kind.ADDRESSES:
        return ", ".join(given)
    return given if isinstance(given, str) else ""
