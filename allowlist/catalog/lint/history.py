"""Rules that keep released versions as they were, and the next version number honest."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.catalog.changes import compare, required_bump
from allowlist.catalog.digest import meaning_of, release_digest
from allowlist.catalog.lint.context import Complaint, LintContext
from allowlist.catalog.model import Entry
from allowlist.catalog.versions import NEXT, Bump, parse_version


def rewritten_release(context: LintContext) -> Iterator[Complaint]:
    """A release's digest is recomputed from its entries, so nobody can change what a pinned version means."""
    for index, release in enumerate(context.catalog.releases):
        if release.digest != release_digest(context.catalog, release.version):
            yield Complaint(
                path=("releases", index, "digest"),
                message=f"the entries of {release.version} are not what was released",
                remedy="restore the released entries; end an entry with 'until: next' and add another one",
            )


def changed_meaning(context: LintContext) -> Iterator[Complaint]:
    """What a released entry asks for is fixed; workloads that pinned the version rely on it."""
    for index, entry in enumerate(context.catalog.entries):
        before = context.base_entries.get(entry.id)
        if before is None or before.since == NEXT:
            continue
        for field in _changed_fields(before, entry):
            yield Complaint(
                path=("entries", index, field),
                message=f"changes '{field}' of a released entry",
                remedy=f"restore it, add 'until: next' to '{entry.id}', and add a new entry with 'since: next'",
            )


_WRITTEN = {"dead": "dead_since"}


def _changed_fields(before: Entry, after: Entry) -> Iterator[str]:
    old, new = meaning_of(before), meaning_of(after)
    for field in {**old, **new}:
        if old.get(field) != new.get(field):
            yield str(after.kind) if field in ("kind", "value") else _WRITTEN.get(field, field)
    if before.since != after.since:
        yield "since"
    if before.until not in ("", NEXT, after.until):
        yield "until"


def vanished_entry(context: LintContext) -> Iterator[Complaint]:
    """A released entry is ended, never deleted: old versions still need it."""
    present = {entry.id for entry in context.catalog.entries}
    for entry in context.base_entries.values():
        if entry.id not in present and entry.since != NEXT:
            yield Complaint(
                path=("entries",),
                message=f"the released entry '{entry.id}' is gone",
                remedy="put it back and write 'until: next'",
            )


def vanished_release(context: LintContext) -> Iterator[Complaint]:
    """A release somebody may have pinned cannot be taken back or given another digest."""
    digests = {release.version: release.digest for release in context.catalog.releases}
    for release in context.base.releases if context.base else ():
        if digests.get(release.version) != release.digest:
            yield Complaint(
                path=("releases",),
                message=f"release {release.version} is not what the base branch has",
                remedy="restore it; corrections go into a new release",
            )


def version_bump_too_small(context: LintContext) -> Iterator[Complaint]:
    """The version number says at a glance whether something was taken away."""
    releases = context.catalog.releases
    for index in range(1, len(releases)):
        older, newer = releases[index - 1].version, releases[index].version
        changes = compare(context.catalog.entries_at(older), context.catalog.entries_at(newer))
        least = max(required_bump(changes), Bump.PATCH)
        if parse_version(newer) < least.apply(parse_version(older)):
            yield Complaint(
                path=("releases", index, "version"),
                message=f"{newer} is too small a step from {older}: by meaning this is a {least.word} change",
                remedy=f"release it as {least.apply(parse_version(older))}",
            )
