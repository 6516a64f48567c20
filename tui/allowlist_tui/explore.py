"""What the explore tabs show, as rows of pieces: the estate, findings, history and catalogs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from allowlist.documents.words import counted
from allowlist.plan.findings import Finding
from allowlist.plan.model import Change
from allowlist.rules.model import ApplicationRule, NatRule, NetworkRule, RuleRef, Settings
from allowlist.rules.services import service_texts
from allowlist.store import Run
from allowlist.workflow.exploring import RunStory, TargetRules
from allowlist.workflow.upgrades import Upgrade
from allowlist_tui.look import ACTIONS, STEPS, WHOLE, Line, Piece
from allowlist_tui.text import safe
from allowlist_tui.why import difference_lines, title_of

Row = tuple[Piece, ...]
AnyRule = NatRule | NetworkRule | ApplicationRule
ESTATE_COLUMNS = (("#", 6), ("owner", 12), ("does", 9), ("rule", 0), ("lets through", 0))
FINDING_COLUMNS = (("finding", 13), ("target", 18), ("name", WHOLE), ("because", 0))
HISTORY_COLUMNS = (("run", 24), ("began", 18), ("what", 10), ("state", 16), ("who", 0))
CATALOG_COLUMNS = (("catalog", 0), ("pinned", 10), ("latest", 10), ("an upgrade brings", 0))

_SEVERITY = {"error": ("✗", "bad"), "warning": ("△", "warn"), "info": ("·", "muted")}
_RUNS = {
    "succeeded": ("✓", "good"),
    "confirmed": ("✓", "good"),
    "provisional": ("◷", "warn"),
    "running": ("▸", "accent"),
    "rolled-back": ("↶", "warn"),
    "partial": ("◆", "warn"),
    "interrupted": ("◆", "warn"),
}


@dataclass(frozen=True, slots=True)
class EstateRow:
    """One line of the estate: a target's name, or one rule of it."""

    target: str
    rule: AnyRule | None = None
    settings: Settings | None = None


def estate_lines(rules: Iterable[TargetRules]) -> list[tuple[Row, EstateRow]]:
    """Every rule in the order Azure asks them; ours told apart from foreign ones."""
    found: list[tuple[Row, EstateRow]] = []
    for item in rules:
        ruleset = item.ruleset
        found.append((_banner(item), EstateRow(item.target, settings=ruleset.settings)))
        everything: tuple[AnyRule, ...] = (*ruleset.dnat, *ruleset.network, *ruleset.application)
        found.extend(
            (_rule(number, rule), EstateRow(item.target, rule)) for number, rule in enumerate(everything, 1)
        )
    return found


def _banner(item: TargetRules) -> Row:
    ruleset = item.ruleset
    count = len(ruleset.dnat) + len(ruleset.network) + len(ruleset.application)
    threat = f"threat intelligence {ruleset.settings.threat_intelligence}; at the end: deny"
    return (
        ("", "plain"),
        (f"{counted(count, 'rule')}", "muted"),
        ("", "plain"),
        (f"▾ {safe(item.target)}", "title"),
        (threat, "muted"),
    )


def _rule(number: int, rule: AnyRule) -> Row:
    return (
        (str(number), "muted"),
        _owner(rule),
        _action(rule),
        (_place(rule.ref), "plain"),
        (_lets_through(rule), "muted"),
    )


def _owner(rule: AnyRule) -> Piece:
    owner = "" if isinstance(rule, NatRule) else rule.owner
    return (f"● {safe(owner)}", "good") if owner else ("○ foreign", "muted")


def rule_lines(row: EstateRow) -> Iterator[Line]:
    """One rule told in full."""
    rule = row.rule
    if rule is None:
        yield ((safe(row.target), "title"),)
        yield (
            (
                "asked from the top: DNAT, then network, then application rules; the first that matches decides",
                "muted",
            ),
        )
        return
    yield (_action(rule), ("  ", "plain"), (safe(rule.ref.rule), "title"), ("  ", "plain"), _owner(rule))
    for name, value in (
        ("policy", rule.ref.policy + (" (inherited)" if rule.ref.inherited else "")),
        ("group", rule.ref.group),
        ("collection", rule.ref.collection),
        ("from", str(rule.sources.addresses)),
        *_fields(rule),
        ("not read", ", ".join(filter(None, (*rule.sources.unresolved, *rule.unmodelled, rule.state)))),
    ):
        if value:
            yield ((f"  {name:<11}", "muted"), (safe(value), "plain"))


def _fields(rule: AnyRule) -> Iterator[tuple[str, str]]:
    if isinstance(rule, ApplicationRule):
        yield "names", ", ".join((*rule.patterns, *rule.urls))
        yield "tags", ", ".join((*rule.fqdn_tags, *rule.web_categories))
        yield "on", " ".join(service_texts(rule.services))
        return
    if isinstance(rule, NetworkRule):
        yield "names", ", ".join((*rule.fqdns, *rule.service_tags))
    yield "to", str(rule.destinations) if rule.destinations else ""
    yield "on", f"{'/'.join(sorted(rule.protocols))}:{_ports(rule)}"


def _ports(rule: NetworkRule | NatRule) -> str:
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in rule.ports)


def _action(rule: AnyRule) -> Piece:
    if isinstance(rule, NatRule):
        return ("⇄ dnat", "accent")
    return ("✓ allow", "good") if rule.action.value == "allow" else ("✗ deny", "bad")


def _place(ref: RuleRef) -> str:
    inherited = " (inherited)" if ref.inherited else ""
    return safe(f"{ref.group}/{ref.collection}/{ref.rule}{inherited}")


def _lets_through(rule: AnyRule) -> str:
    source = str(rule.sources.addresses)
    if isinstance(rule, ApplicationRule):
        names = ", ".join((*rule.patterns, *rule.urls, *rule.fqdn_tags, *rule.web_categories))
        services = " ".join(service_texts(rule.services))
        return safe(f"{source} → {names} {services}")
    fqdns = rule.fqdns if isinstance(rule, NetworkRule) else ()
    tags = rule.service_tags if isinstance(rule, NetworkRule) else ()
    where = (
        ", ".join((str(rule.destinations), *tags, *fqdns))
        if rule.destinations
        else ", ".join((*tags, *fqdns))
    )
    return safe(f"{source} → {where or 'nothing'} {'/'.join(sorted(rule.protocols))}:{_ports(rule)}")


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, what is covered last."""
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda item: order.get(item.severity, 3))


def finding_lines(item: Finding) -> Iterator[Line]:
    """One finding with its witness and what to do about it."""
    glyph, tone = _SEVERITY.get(item.severity, ("·", "muted"))
    yield ((f"{glyph} {item.status.value}", tone), ("  ", "plain"), (safe(_subject(item)), "title"))
    yield ((safe(item.because), "plain"),)
    if item.witness:
        yield (("witness  ", "muted"), (safe(str(item.witness)), "accent"))
    ref = item.requirement
    if ref is not None:
        yield (
            ("wanted by  ", "muted"),
            (safe(f"{ref.catalog}@{ref.version}#{ref.entry}"), "plain"),
            (f"  {safe(ref.need)}", "muted"),
        )
        if ref.breaks:
            yield (("without it  ", "muted"), (safe(ref.breaks), "warn"))
        if ref.source_url:
            yield (("source  ", "muted"), (safe(ref.source_url), "link"))
    for rule in item.covered_by:
        yield (("allowed by  ", "muted"), (safe(rule), "plain"))
    for near in item.near_misses:
        yield (("near miss  ", "muted"), (safe(near), "warn"))
    if item.remedy:
        yield (("remedy  ", "muted"), (safe(item.remedy), "good"))


def _subject(item: Finding) -> str:
    return item.requirement.pattern if item.requirement else item.rule


def finding_row(item: Finding) -> Row:
    glyph, tone = _SEVERITY.get(item.severity, ("·", "muted"))
    return (
        (f"{glyph} {item.status.value}", tone),
        (safe(item.target), "plain"),
        (safe(_subject(item)), "title"),
        (safe(item.because), "muted"),
    )


def run_row(run: Run) -> Row:
    glyph, tone = _RUNS.get(run.state, ("✗", "bad"))
    return (
        (safe(run.run_id), "title"),
        (f"{run.begun:%Y-%m-%d %H:%M}", "muted"),
        (run.kind, "plain"),
        (f"{glyph} {run.state}", tone),
        (safe(run.who), "muted"),
    )


def run_lines(story: RunStory) -> Iterator[Line]:
    """A run told change by change and step by step."""
    run = story.run
    yield ((f"{run.kind} of plan ", "muted"), (safe(run.plan_id.removeprefix("sha256:")[:12]), "title"))
    finished = f" – {run.finished:%H:%M:%S}" if run.finished else ""
    yield ((f"{run.begun:%Y-%m-%d %H:%M:%S}{finished}  {safe(run.who)}", "muted"),)
    if error := run.summary.get("error"):
        yield (("✗ ", "bad"), (safe(str(error)), "bad"))
    for step in run.standing:
        glyph, word, tone = STEPS[step.state]
        resource = str(step.detail.get("resource", step.action)).rpartition("/")[2]
        yield ((f"{glyph} {word:<9} ", tone), (f"{safe(step.target)}  ", "title"), (safe(resource), "plain"))
    for change in story.changes:
        yield from _change(change, story.fates.get(change.id, ""))


def _change(change: Change, fate: str) -> Iterator[Line]:
    sign, tone = ACTIONS[change.operation.action]
    yield ((f"{sign} ", tone), (safe(title_of(change)), "title"), (f"  {fate}", "muted"))
    yield from difference_lines(change.operation)


def pin_row(item: Upgrade) -> Row:
    """A pinned catalog beside its latest release."""
    behind = item.pinned != item.latest
    count = len(item.changes)
    if not behind:
        brings: Piece = ("✓ up to date", "good")
    elif count:
        brings = (f"▲ {count} {'change' if count == 1 else 'changes'} for this workload", "warn")
    else:
        brings = ("▲ nothing for this workload", "muted")
    return (
        (safe(item.catalog), "title"),
        (safe(item.pinned), "plain"),
        (safe(item.latest), "warn" if behind else "plain"),
        brings,
    )


def pin_lines(item: Upgrade) -> Iterator[Line]:
    """What moving a pin to the latest release changes for this workload."""
    yield ((f"{safe(item.catalog)} {safe(item.pinned)} → {safe(item.latest)}", "title"),)
    if not item.changes:
        yield (("an upgrade changes nothing for this workload", "muted"),)
    for change in item.changes:
        entry = change.entry
        yield ((f"{change.kind.value:<12} ", "accent"), (safe(entry.pattern or entry.id), "title"))
        yield ((f"  {safe(entry.purpose)}", "plain"),)
        yield ((f"  {safe(change.impact)}; {safe(change.notice)}", "muted"),)
