"""Rules about how entries stand to each other, to their sources, and to the tags Azure knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from allowlist.azure.facts import fqdn_tags, service_tags
from allowlist.catalog.lint.context import Complaint, LintContext
from allowlist.catalog.model import Entry, Kind
from allowlist.catalog.reach import Relation, covers_entry, relation
from allowlist.catalog.reader import PLACEHOLDER
from allowlist.documents.reader import near_miss


def duplicate_entry(context: LintContext) -> Iterator[Complaint]:
    """Two live entries of one scenario that ask for the same make every finding appear twice."""
    for (_, first), (index, second) in combinations(context.live, 2):
        if _comparable(first, second) and relation(first, second) is Relation.EQUAL:
            yield Complaint(
                path=("entries", index, "id"),
                message=f"asks for the same as '{first.id}'",
                remedy=f"remove it and add its sources to '{first.id}'",
            )


def overlapping_entry(context: LintContext) -> Iterator[Complaint]:
    """An entry that another live entry of its scenario covers is documented, but costs a rule for nothing."""
    for (i, first), (j, second) in combinations(context.live, 2):
        if not _comparable(first, second) or relation(first, second) is Relation.EQUAL:
            continue
        for index, narrow, wide in ((i, first, second), (j, second, first)):
            if covers_entry(wide, narrow) and wide.need is narrow.need:
                yield Complaint(
                    path=("entries", index, "id"),
                    message=f"'{narrow}' is covered by '{wide}' ({wide.id}) of the same scenario",
                    remedy="keep it if a page names it; the plan writes only one rule",
                )


def _comparable(first: Entry, second: Entry) -> bool:
    return (
        first.scenario == second.scenario
        and first.kind is second.kind
        and first.kind is not Kind.NOTHING
        and first.alternative == second.alternative
        and first.condition == second.condition
    )


def missing_source(context: LintContext) -> Iterator[Complaint]:
    """Without a source nobody can tell later whether an entry is still needed. What the field found out is one."""
    for index, entry in context.live:
        if not entry.sources and not entry.evidence:
            yield Complaint(
                path=("entries", index, "id"),
                message="names no source",
                remedy="add 'sources: [{repo: …, path: …, commit: …}]' with the page that documents it, or evidence",
            )


def unknown_service_tag(context: LintContext) -> Iterator[Complaint]:
    """A tag Azure does not know is refused when the rule is written, or matches nothing."""
    for index, entry in context.live:
        if entry.kind is Kind.SERVICE_TAG and not entry.dead_since:  # a tombstone may name what never was
            for message, remedy in _tag_mistakes(entry.value):
                yield Complaint(path=("entries", index, "service_tag"), message=message, remedy=remedy)


def _tag_mistakes(tag: str) -> Iterator[tuple[str, str]]:
    name, _, part = tag.partition(".")
    facts = service_tags()
    if name not in facts.service_tags:
        hint = near_miss(name, facts.service_tags) or "; none of the known names is near"
        yield f"'{name}' is no service tag we know{hint}", "write the tag as the service tag list does"
    elif name in facts.needs_sub_tag and part not in facts.sub_tags[name]:
        known = ", ".join(f"{name}.{sub}" for sub in facts.sub_tags[name])
        yield f"'{tag}' does not exist{near_miss(tag, known.split(', '))}", f"write one of {known}"


def unknown_fqdn_tag(context: LintContext) -> Iterator[Complaint]:
    """An FQDN tag is a fixed list of Azure Firewall; another word is refused when the rule is written."""
    for index, entry in context.live:
        if entry.kind is Kind.FQDN_TAG and entry.value not in fqdn_tags():
            yield Complaint(
                path=("entries", index, "fqdn_tag"),
                message=f"'{entry.value}' is no FQDN tag we know{near_miss(entry.value, fqdn_tags())}",
                remedy=f"write one of {', '.join(sorted(set(fqdn_tags().values())))}",
            )


def unused_declaration(context: LintContext) -> Iterator[Complaint]:
    """A placeholder or scenario nothing uses misleads whoever fills in a workload."""
    used_names = {name for entry in context.catalog.entries for name in PLACEHOLDER.findall(entry.value)}
    used_scenarios = {entry.scenario for entry in context.catalog.entries}
    for section, declared, used in (
        ("placeholders", context.catalog.placeholders, used_names),
        ("scenarios", context.catalog.scenarios, used_scenarios),
    ):
        for name in declared:
            if name not in used:
                yield Complaint(
                    path=(section, name),
                    message=f"'{name}' is declared but no entry uses it",
                    remedy="use it or remove the line",
                )


def lonely_alternative(context: LintContext) -> Iterator[Complaint]:
    """An alternative group with one form gives no choice: its entries are simply needed."""
    forms = {(entry.alternative, entry.kind) for _, entry in context.live if entry.alternative}
    count = Counter(group for group, _ in forms)
    for index, entry in context.live:
        if entry.alternative and count[entry.alternative] == 1:
            yield Complaint(
                path=("entries", index, "alternative"),
                message=f"group '{entry.alternative}' holds only {entry.kind} entries, so it offers no choice",
                remedy="add the other form (a tag, names or a private endpoint) to the group, or drop the line",
            )
