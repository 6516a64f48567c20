"""The shape of a catalog file, ``allowlist/catalog/v1``: plain texts, as people write them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from allowlist.catalog.model import Cloud, Consumer, Direction, EvidenceClass, Moment, Need

SCHEMA: Final = "allowlist/catalog/v1"

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
DateText = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
SomeDate = Annotated[str, msgspec.Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
VersionText = Annotated[str, msgspec.Meta(pattern=r"^(\d+\.\d+\.\d+|next)$")]
PlaceholderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class SourceDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A page that says so: repository, path, commit and the page's own date."""

    repo: Text
    path: Text
    commit: str = ""
    date: DateText | Literal[""] = ""


class EvidenceDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the field found out: how, in which repository, at which commit or under which number, and when."""

    kind: EvidenceClass = msgspec.field(name="class")
    repo: str = ""
    where: Text
    commit: str = ""
    date: SomeDate | Literal[""] = ""
    region: str = ""
    version: str = ""
    works_without: bool = False


class ClientDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A program that asks for the name, when, what happens when it is refused, and what silences it."""

    package: Text
    versions: str = ""
    operation: str = ""
    moment: Moment
    denied: str = ""
    switch: str = ""
    moved: str = ""


class ScenarioDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A use of the service; ``default: true`` gives it to every workload that names the catalog."""

    title: Text
    default: bool = False


class ReleaseDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One published version. Written by ``allowlist catalog release``, never by hand."""

    version: VersionText
    date: DateText
    note: str = ""
    digest: Digest


class EntryDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One requirement: exactly one destination, then who needs it, where, and why."""

    id: Slug
    since: VersionText
    until: VersionText | None = None
    pattern: Text | None = None
    service_tag: Text | None = None
    fqdn_tag: Text | None = None
    private_endpoint: Text | None = None
    addresses: Annotated[list[Text], msgspec.Meta(min_length=1)] | None = None
    ports_only: bool = False
    nothing: bool = False
    sub_resource: Text | None = None
    written: Text | None = None
    ports: list[Text] = []
    need: Need
    condition: Text | None = None
    clouds: Annotated[list[Cloud], msgspec.Meta(min_length=1)]
    scenario: Slug
    consumers: list[Consumer] = []
    direction: Direction = Direction.OUTBOUND
    alternative: Slug | None = None
    purpose: Text
    breaks: Text | None = None
    risk: Text | None = None
    contradiction: Text | None = None
    note: Text | None = None
    refuse: Text | None = None
    owner: Text | None = None
    dead_since: SomeDate | None = None
    sources: list[SourceDocument] = []
    evidence: list[EvidenceDocument] = []
    asked_by: list[ClientDocument] = []


class CatalogDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One service, all its versions."""

    schema: Literal["allowlist/catalog/v1"]
    name: Slug
    title: Text
    description: Text
    scenarios: Annotated[dict[Slug, ScenarioDocument], msgspec.Meta(min_length=1)]
    placeholders: dict[PlaceholderName, Text] = {}
    releases: list[ReleaseDocument] = []
    entries: Annotated[list[EntryDocument], msgspec.Meta(min_length=1)]


def json_schema() -> dict[str, object]:
    """The JSON Schema of a catalog file, for editors; made from the same types the reader uses."""
    made = msgspec.json.schema(CatalogDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **made}
