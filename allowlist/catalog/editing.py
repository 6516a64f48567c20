"""Change a catalog file and keep everything else as its authors wrote it: comments, order, spacing."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from allowlist.catalog.changes import EntryChange, changes_between, required_bump
from allowlist.catalog.digest import release_digest
from allowlist.catalog.document import EntryDocument
from allowlist.catalog.model import Catalog
from allowlist.catalog.reader import parse_catalog
from allowlist.catalog.versions import NEXT, Bump, Version, parse_version
from allowlist.documents.source import parse_yaml_source, read_text
from allowlist.documents.writing import write_bytes
from allowlist.errors import CatalogError
from allowlist.rules.requirement import FIELD_SCENARIO

_LIST_FIELDS = ("ports", "clouds", "consumers", "addresses")
_RECORD_FIELDS = ("sources", "evidence", "asked_by")
_PLACEHOLDER_DIGEST = "sha256:" + "0" * 64


def add_entry(path: Path, fields: Mapping[str, Any]) -> Catalog:
    """Append an entry with ``fields`` to the catalog in ``path`` and write it back.

    Raises InvalidInput, and writes nothing, when the result would not be a correct catalog.
    """
    return add_entries(path, [fields])


def add_entries(path: Path, entries: Iterable[Mapping[str, Any]]) -> Catalog:
    """As :func:`add_entry`, for many of one file at once."""
    document = _load(path)
    document["entries"].extend(_block(fields) for fields in entries)
    return _check_and_write(path, document)


def add_from_field(path: Path, entries: Iterable[Mapping[str, Any]]) -> Catalog:
    """As :func:`add_entries`, in the scenario of what the field knows, which is declared where it is not yet."""
    from ruamel.yaml.comments import CommentedMap

    document = _load(path)
    if FIELD_SCENARIO not in document["scenarios"]:
        scenario = CommentedMap(title="Known from the field only")
        scenario.fa.set_flow_style()
        document["scenarios"].insert(len(document["scenarios"]), FIELD_SCENARIO, scenario)
        _move_blank_line(document["scenarios"])
    document["entries"].extend(_block(fields) for fields in entries)
    return _check_and_write(path, document)


def _move_blank_line(section: Any) -> None:
    """A blank line behind the former last key of ``section`` belongs behind the new one."""
    last, before = list(section)[-1], list(section)[-2]
    comment = section.ca.items.pop(before, None)
    if comment:
        section.ca.items[last] = comment


def end_entry(path: Path, entry_id: str) -> Catalog:
    """Say ``until: next`` for one entry. Raises CatalogError if there is no such live entry."""
    document = _load(path)
    for entry in document["entries"]:
        if entry["id"] == entry_id and "until" not in entry:
            entry.insert(list(entry).index("since") + 1, "until", NEXT)
            return _check_and_write(path, document)
    raise CatalogError(f"catalog {path.stem} has no live entry '{entry_id}'")


def next_version(catalog: Catalog) -> tuple[Version, Bump, tuple[EntryChange, ...]]:
    """The version the unreleased changes of ``catalog`` ask for, with the step and the changes behind it."""
    if not catalog.releases:
        return Version(1, 0, 0), Bump.MAJOR, ()
    changes = changes_between(catalog, catalog.latest, NEXT)
    bump = max(required_bump(changes), Bump.PATCH)
    return bump.apply(parse_version(catalog.latest)), bump, changes


def release(path: Path, *, on: date, note: str, bump: Bump = Bump.NONE) -> Catalog:
    """Stamp every ``next`` in ``path`` with a new version, record its digest, and write the file back.

    ``bump`` asks for a larger step than the changes need. Raises CatalogError when nothing waits for release
    and InvalidInput for a file with mistakes.
    """
    catalog = parse_catalog(parse_yaml_source(read_text(path), str(path)), name=path.stem)
    if catalog.releases and not catalog.has_unreleased_changes and bump is Bump.NONE:
        raise CatalogError(
            f"catalog {catalog.name} has no unreleased changes",
            hint="a release without changes needs '--bump patch'",
        )
    version = _version_for(catalog, bump)
    document = _load(path)
    _stamp(document, str(version))
    _append_release(document, str(version), on, note)
    return _check_and_write(path, document, digest_for=str(version))


def _version_for(catalog: Catalog, bump: Bump) -> Version:
    version, least, _ = next_version(catalog)
    wider = catalog.releases and bump > least
    return bump.apply(parse_version(catalog.latest)) if wider else version


def _stamp(document: Any, version: str) -> None:
    for entry in document["entries"]:
        for field in ("since", "until"):
            if entry.get(field) == NEXT:
                entry[field] = version


def _append_release(document: Any, version: str, on: date, note: str) -> None:
    from ruamel.yaml.comments import CommentedMap

    fields = {
        "version": version,
        "date": on,
        "note": note,
        "digest": _PLACEHOLDER_DIGEST,
    }
    releases = document.setdefault("releases", [])
    releases.append(CommentedMap({key: value for key, value in fields.items() if value}))


def _block(fields: Mapping[str, Any]) -> Any:
    """An entry in the order of the format, lists on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    known = EntryDocument.__struct_fields__
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise CatalogError(f"an entry has no field '{unknown[0]}'")
    block = CommentedMap()
    for name in known:
        value = fields.get(name)
        if not value:
            continue
        if name in _LIST_FIELDS:
            value = CommentedSeq(value)
            value.fa.set_flow_style()
        elif name in _RECORD_FIELDS:
            value = CommentedSeq(CommentedMap(record) for record in value)
            for record in value:
                record.fa.set_flow_style()
        elif isinstance(value, str) and value[0] in "*{":
            value = DoubleQuotedScalarString(value)
        block[name] = value
    return block


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(path: Path) -> Any:
    """The document with its comments; read strictly first, so that nothing odd reaches the round trip."""
    text = read_text(path)
    parse_yaml_source(text, str(path))
    return _yaml().load(text)


def _dump(document: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def round_trip(text: str) -> str:
    """``text`` as it comes out when nothing is changed."""
    return _as_kept(text, _dump(_yaml().load(text)))


def _as_kept(before: str, dumped: str) -> str:
    """``dumped`` with what the round trip does not carry: what stands above ``---``, and the ends of lines."""
    lines = before.splitlines(keepends=True)
    start = next((index for index, line in enumerate(lines) if line.rstrip() == "---"), None)
    above = [] if start is None else lines[:start]
    is_head = start is not None and all(not line.strip() or line[0] in "#%" for line in above)
    head = "".join(lines[: start + 1]) if is_head and start is not None else ""
    body = dumped.removeprefix("---\n") if head else dumped
    return head + (body.replace("\n", "\r\n") if "\r\n" in before else body)


def _check_and_write(path: Path, document: Any, *, digest_for: str = "") -> Catalog:
    text = _as_kept(read_text(path), _dump(document))
    catalog = parse_catalog(parse_yaml_source(text, str(path)), name=path.stem)
    if digest_for:
        text = text.replace(_PLACEHOLDER_DIGEST, release_digest(catalog, digest_for))
        catalog = parse_catalog(parse_yaml_source(text, str(path)), name=path.stem)
    write_bytes(path, text.encode())
    return catalog
