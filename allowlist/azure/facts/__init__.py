"""Facts of Azure: what its documentation says and no code of ours decides, as data beside this module.

Each JSON file is one table with its ``source`` and the date it was ``read``; where clouds differ there is a row or a
member for each. Everybody may read the facts and they import nobody, so a name, version or suffix of Azure stands in
one place. A cloud without a row has no such fact: nothing is concluded from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import msgspec

Table = TypeVar("Table")

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "mssql": 1433}
"""By application protocol (Azure Firewall, rule processing page; IANA)."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class CloudRow(_Row, frozen=True, kw_only=True):
    """``cloud`` is the word of workload files, ``name`` Azure's own; ``resource_manager`` a URL without a slash at its
    end, ``authority`` the host to sign in at; ``suffixes`` are those of ``az cloud show`` by their names there."""

    cloud: str
    name: str
    resource_manager: str
    authority: str
    suffixes: dict[str, str]

    @property
    def storage(self) -> str:
        """The suffix below which each storage service has a name of its own."""
        return self.suffixes["storage"]


class PrivateLinkRow(_Row, frozen=True, kw_only=True):
    """One sub-resource (``group``) of a resource type, both lower case: by cloud the private DNS zones of an endpoint,
    each with the public suffixes whose names it answers for.

    ``named_by_resource``: a host name is the resource's name in front of a suffix.
    """

    type: str
    group: str
    zones: dict[str, dict[str, list[str]]]
    named_by_resource: bool = True


class SharedSuffixRow(_Row, frozen=True, kw_only=True):
    """Suffixes, by cloud, under which any customer of a service can create a name. ``<suffix>`` in ``alternative``
    stands for the suffix."""

    service: str
    suffixes: dict[str, str]
    risk: str
    alternative: str


class BroadTagRow(_Row, frozen=True, kw_only=True):
    """A service tag that holds addresses of resources of many tenants, and what is tighter.

    ``any_name``: a resource behind it may answer to a name of its customer's own.
    """

    tag: str
    risk: str
    alternative: str
    any_name: bool = False


class FqdnTagRow(_Row, frozen=True, kw_only=True):
    """``name`` as the API spells it, which is what a rule must carry; ``written`` as pages spell it besides.

    ``members`` are the names that the page at ``page`` lists for what the tag is for, when it was ``read``. Microsoft keeps
    the members and does not publish them, so the list is neither complete nor certain.
    """

    name: str
    written: list[str] = []
    members: list[str] = []
    page: str = ""
    read: str = ""


class CategoryRow(_Row, frozen=True, kw_only=True):
    """A web category as the API spells it. ``common``: a technical service may well be in it."""

    name: str
    common: bool = False


class ApiVersionRow(_Row, frozen=True, kw_only=True):
    """``version`` is the newest whose fields are known, ``oldest`` (empty: the same) the first that has those needed."""

    type: str
    version: str
    oldest: str = ""


class _Table(_Row, frozen=True, kw_only=True):
    source: str
    read: str


class _Clouds(_Table, frozen=True, kw_only=True):
    rows: list[CloudRow]


class _PrivateLink(_Table, frozen=True, kw_only=True):
    rows: list[PrivateLinkRow]


class _SharedSuffixes(_Table, frozen=True, kw_only=True):
    rows: list[SharedSuffixRow]


class _FqdnTags(_Table, frozen=True, kw_only=True):
    rows: list[FqdnTagRow]


class _Categories(_Table, frozen=True, kw_only=True):
    rows: list[CategoryRow]


class _MicrosoftDomains(_Table, frozen=True, kw_only=True):
    domains: list[str]
    resources: list[str]


class _BroadTags(_Table, frozen=True, kw_only=True):
    """``narrow``: by the reason the tags behind which no stranger's resource answers."""

    rows: list[BroadTagRow]
    narrow: dict[str, list[str]]


class _ApiVersions(_Table, frozen=True, kw_only=True):
    rows: list[ApiVersionRow]


class ServiceTags(_Table, frozen=True, kw_only=True):
    """``hosts``: by cloud and tag (lower case) the names that pages offer the tag as the alternative to."""

    service_tags: list[str]
    sub_tags: dict[str, list[str]]
    needs_sub_tag: list[str]
    hosts: dict[str, dict[str, list[str]]]


def _read(name: str, table: type[Table]) -> Table:
    return msgspec.json.decode(Path(__file__).with_name(f"{name}.json").read_bytes(), type=table)


@lru_cache(maxsize=1)
def clouds() -> Mapping[str, CloudRow]:
    """Every cloud by its name in workload files."""
    return {row.cloud: row for row in _read("clouds", _Clouds).rows}


@lru_cache(maxsize=1)
def private_link() -> Sequence[PrivateLinkRow]:
    return tuple(_read("private_link", _PrivateLink).rows)


@lru_cache(maxsize=1)
def shared_suffixes() -> Sequence[SharedSuffixRow]:
    return tuple(_read("shared_suffixes", _SharedSuffixes).rows)


@lru_cache(maxsize=1)
def _broad_tags() -> Mapping[str, BroadTagRow | None]:
    """Every tag that was looked at, None where nobody else's resources are behind it."""
    table = _read("broad_tags", _BroadTags)
    narrow = {tag.lower(): None for tags in table.narrow.values() for tag in tags}
    return {**narrow, **{row.tag.lower(): row for row in table.rows}}


def broad_tag(tag: str) -> BroadTagRow | None:
    """What is behind ``tag`` where that is more than one tenant's, or not known; a region narrows a tag, not its tenants.

    >>> broad_tag("Storage.WestEurope").tag
    'Storage'
    >>> broad_tag("AzureFrontDoor.FirstParty")
    """
    base = base_tag(tag)
    if not base:
        return None
    unknown = BroadTagRow(
        tag=base,
        risk="this version does not know whose resources are behind it",
        alternative="name the hosts",
    )
    return _broad_tags().get(base.lower(), unknown)


@lru_cache(maxsize=1)
def service_tags() -> ServiceTags:
    return _read("service_tags", ServiceTags)


def base_tag(tag: str) -> str:
    """The tag without its region: ``MicrosoftContainerRegistry.westus3`` is a part of it, a sub-tag is not."""
    base, dot, part = tag.partition(".")
    subs = {name.lower(): {sub.lower() for sub in found} for name, found in service_tags().sub_tags.items()}
    return tag if dot and part.lower() in subs.get(base.lower(), ()) else base


@lru_cache(maxsize=1)
def _known_tags() -> frozenset[str]:
    return frozenset(name.lower() for name in service_tags().service_tags)


def is_service_tag(tag: str) -> bool:
    """Is it a service tag of those known, whole or of one region (``Storage.WestEurope``), in any letter case?"""
    return tag.count(".") < 2 and base_tag(tag).lower() in _known_tags()


def tag_hosts(tag: str, cloud: str) -> tuple[str, ...]:
    """Names documented as members of a service tag in ``cloud``, its region suffix taken off."""
    return tuple(service_tags().hosts.get(cloud, {}).get(base_tag(tag).lower(), ()))


@lru_cache(maxsize=1)
def fqdn_tags() -> Mapping[str, str]:
    """The API's spelling of every FQDN tag, by each spelling in use."""
    rows = _read("fqdn_tags", _FqdnTags).rows
    return {spelling: row.name for row in rows for spelling in (row.name, *row.written)}


@lru_cache(maxsize=1)
def _fqdn_tag_rows() -> Mapping[str, FqdnTagRow]:
    return {row.name.lower(): row for row in _read("fqdn_tags", _FqdnTags).rows}


def documented_members(tag: str) -> FqdnTagRow | None:
    """What a page lists for the FQDN tag; None where none does."""
    row = _fqdn_tag_rows().get(tag.lower())
    return row if row and row.members else None


def is_fqdn_tag(tag: str) -> bool:
    """Does the API know an FQDN tag of this name, in any letter case?"""
    return tag.lower() in _fqdn_tag_rows()


@lru_cache(maxsize=1)
def web_categories() -> Mapping[str, CategoryRow]:
    """Every web category by its name in lower case."""
    return {row.name.lower(): row for row in _read("web_categories", _Categories).rows}


def is_common_category(category: str) -> bool:
    """May a technical service well be in it? A category nobody knows may hold anything."""
    row = web_categories().get(category.lower())
    return row is None or row.common


@lru_cache(maxsize=1)
def microsoft_domains() -> Sequence[str]:
    """Registered domains under which Microsoft and its customers name what they run in Azure."""
    return tuple(_read("microsoft_domains", _MicrosoftDomains).domains)


@lru_cache(maxsize=1)
def resource_domains() -> Sequence[str]:
    """Those of the domains under which code and settings name a service of Azure or a resource of one's own."""
    return tuple(_read("microsoft_domains", _MicrosoftDomains).resources)


def holds_any_name(tag: str) -> bool:
    """May a name of anybody resolve into the service tag? One that nobody knows may hold anything."""
    if base_tag(tag).lower() not in _known_tags():
        return True
    row = broad_tag(tag)
    return row is not None and row.any_name


@lru_cache(maxsize=1)
def _api_versions() -> Mapping[str, ApiVersionRow]:
    return {row.type.lower(): row for row in _read("api_versions", _ApiVersions).rows}


def api_version(resource_type: str) -> str:
    """The version to read and write ``resource_type`` with: its own row, that of a type above it, or its namespace's.

    Raises KeyError for a namespace without a row.
    """
    row = api_version_row(resource_type)
    if row is None:
        raise KeyError(resource_type)
    return row.version


def api_version_row(resource_type: str) -> ApiVersionRow | None:
    """The row of a type, of one above it, or of its namespace; None where the namespace has none."""
    known, wanted = _api_versions(), resource_type.lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("/")[0]
    return None


def storage_suffixes() -> Sequence[str]:
    """The suffix of storage accounts in each cloud."""
    return tuple(row.storage for row in clouds().values())
