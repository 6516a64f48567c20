"""The index by package: what a program asks for, what of it may be refused, and what silences it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from allowlist.catalog.model import Catalog, Client, Entry

_EXACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")


class PackageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One name that a package asks for. ``fits``: was it seen in that version or one like it; None when none was given."""

    catalog: str
    version: str
    entry: Entry
    client: Client
    fits: bool | None = None


@dataclass(frozen=True, slots=True)
class PackageQuery:
    """``azure-ai-ml==1.35`` or ``npm:@azure/mcp@2.0.5``: a package, and the version somebody runs."""

    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> PackageQuery:
        name, equals, version = text.strip().partition("==")
        scoped = name.removeprefix("npm:").removeprefix("@")
        if not equals and "@" in scoped:
            name, _, version = text.strip().rpartition("@")
        return cls(package_key(name), version.strip())


def package_key(name: str) -> str:
    """The name as registries compare it: ``Azure_AI.ML`` and ``azure-ai-ml`` are one."""
    prefix, colon, rest = name.strip().lower().partition(":")
    if colon and prefix == "npm":
        return f"npm:{rest.strip()}"
    return re.sub(r"[-_.]+", "-", name.strip().lower())


def packages_in(catalogs: Iterable[Catalog]) -> dict[str, list[PackageAnswer]]:
    """Every package that some live entry of ``catalogs`` names, with what it asks for."""
    found: dict[str, list[PackageAnswer]] = {}
    for catalog in catalogs:
        version = catalog.latest if catalog.releases else "next"
        for entry in catalog.entries_at(version):
            for client in entry.asked_by:
                answer = PackageAnswer(catalog=catalog.name, version=version, entry=entry, client=client)
                found.setdefault(package_key(client.package), []).append(answer)
    return found


def answers_for(catalogs: Iterable[Catalog], query: PackageQuery) -> list[PackageAnswer]:
    """What ``query`` asks for, what is needed first, what was seen in another version last."""
    found = [
        msgspec.structs.replace(answer, fits=is_seen_in(answer.client.versions, query.version))
        for answer in packages_in(catalogs).get(query.name, [])
    ]
    kept = [answer for answer in found if answer.fits is not False or not _is_range(answer.client.versions)]
    return sorted(kept, key=lambda one: (one.fits is False, bool(one.entry.refuse), one.entry.value))


def is_seen_in(versions: str, version: str) -> bool | None:
    """Was what ``versions`` says seen in ``version``? None when nothing can be compared.

    A range holds as it stands. A single version speaks for those that share its first two numbers: ``1.35.2`` for
    ``1.35``; whoever runs another one has to look.
    """
    if not version or not versions:
        return None
    if _is_range(versions):
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(versions).contains(version, prereleases=True)
        except (InvalidSpecifier, InvalidVersion):
            return None
    given, seen = version.split(".")[:2], versions.split(".")
    return given == seen[: len(given)]


def _is_range(versions: str) -> bool:
    return bool(versions) and not _EXACT.fullmatch(versions)


def known_packages(catalogs: Iterable[Catalog]) -> tuple[str, ...]:
    """The names of all packages that were run."""
    return tuple(sorted(packages_in(catalogs)))


def advice_text(entry: Entry) -> str:
    """``telemetry of onnxruntime (Microsoft): refuse it; lost: …; set ORT_DISABLE_TELEMETRY=1``."""
    if entry.dead_since:
        return f"dead since {entry.dead_since}: {entry.purpose}; no rule is needed"
    who = ", ".join(dict.fromkeys(client.package for client in entry.asked_by))
    switches = "; ".join(dict.fromkeys(client.switch for client in entry.asked_by if client.switch))
    owner = f" (goes to {entry.owner})" if entry.owner else ""
    told = f"{entry.purpose}{f', asked for by {who}' if who else ''}{owner}: refuse it; lost: {entry.refuse}"
    return f"{told}; set {switches}" if switches else f"{told}; no switch is known"
