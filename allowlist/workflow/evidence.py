"""What traffic says about a workload: what was denied and by whom it is wanted, what is let through and not required,
what nobody uses, and what a change would have done to the flows that were really seen.

Statements about some flows are made from any log. Statements about all of them ("unused", "nobody") are made only where
every line was understood and no hour is missing; otherwise the reason is given in their place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

import msgspec

from allowlist.estate.bodies import Estate
from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.columns.verdicts import CompiledVerdicts, compile_verdicts
from allowlist.rules.flow import Flow, Verdict
from allowlist.rules.model import HTTP_PORTS, FilterRule, NatRule, RuleRef, Ruleset
from allowlist.rules.requirement import Requirement
from allowlist.traffic.account import Account, gaps_of
from allowlist.traffic.engine import Traffic
from allowlist.traffic.findings import (
    Denied,
    Effect,
    Evidence,
    Excess,
    Redundant,
    Seen,
    Tally,
    Unused,
)
from allowlist.workflow.known_names import KnownNames
from allowlist.workflow.own_hits import hits_in
from allowlist.workflow.project import Project
from allowlist.workflow.redundancy import Chains
from allowlist.workload import MIN_DAYS, TargetSpec, TrafficLogs

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days of UTC, both inclusive; None is as far as the logs go."""

    since: dt.date | None = None
    until: dt.date | None = None
    quiet_hours: int = 1
    """An interval without a line that is shorter than this is no gap."""
    min_days: int = MIN_DAYS
    """Of a window that is shorter, "unused" is said with a word about that."""

    @classmethod
    def of(cls, logs: TrafficLogs) -> Window:
        """All there is, by what a workload says of its logs."""
        return cls(quiet_hours=logs.quiet_hours, min_days=logs.min_days)

    @property
    def condition(self) -> str:
        parts = [f"day >= DATE '{self.since}'"] if self.since else []
        parts += [f"day <= DATE '{self.until}'"] if self.until else []
        return " AND ".join(parts) or "true"


_SEEN = (
    "SELECT log, source, name, destination, coalesce(port, 0), protocol, action, reason, policy, rcg, collection, rule, "
    "sum(n)::BIGINT, min(first), max(last) FROM traffic WHERE (log IN ('application', 'network', 'proxy', 'threat') "
    "AND action IN ('allow', 'deny') OR log = 'flow' AND action = 'deny') AND {window} GROUP BY ALL"
)
"""What a flow log lets through says nothing of the rules of a firewall; what a security group denied is denied all the same."""


def seen_in(traffic: Traffic, window: Window) -> Iterator[Seen]:
    """Every group of flows that rules decide, within ``window``."""
    for row in traffic.stream(_SEEN.format(window=window.condition)):
        yield Seen(*row[:13], *(moment.replace(tzinfo=dt.UTC) for moment in row[13:]))


def account_in(traffic: Traffic, window: Window) -> Account:
    """The account with the gaps of ``window``; where it names its ends, they belong to it."""
    account = traffic.account
    first = _moment(window.since) or account.first
    last = _moment(window.until, dt.timedelta(hours=23)) or account.last
    if first is None or last is None:
        return account
    return replace(
        account,
        gaps=tuple(gaps_of(traffic.connection, first, last, quiet_hours=window.quiet_hours)),
        start=first,
        end=_moment(window.until, dt.timedelta(days=1)) or last,
        min_days=window.min_days,
    )


def _moment(day: dt.date | None, more: dt.timedelta = dt.timedelta()) -> dt.datetime | None:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) + more if day else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The rules of one target as compiled, what the workload requires of it, and from where."""

    target: str
    ruleset: Ruleset
    verdicts: CompiledVerdicts
    wanted: tuple[Requirement, ...]
    sources: AddressSet
    policies: frozenset[str]

    @classmethod
    def of(cls, project: Project, estate: Estate, spec: TargetSpec) -> Judge:
        ruleset = project.point(spec).ruleset(estate)
        wanted = project.requirements(spec, estate).wanted
        sources = NOWHERE
        for requirement in wanted:
            sources |= requirement.sources
        rules: list[NatRule | FilterRule] = [*ruleset.dnat, *ruleset.network, *ruleset.application]
        return cls(
            target=spec.name, ruleset=ruleset, verdicts=compile_verdicts(ruleset, project.facts), wanted=wanted,
            sources=sources, policies=frozenset(rule.ref.policy.lower() for rule in rules),
        )  # fmt: skip

    def is_about(self, seen: Seen) -> bool:
        """A log that names a policy of another target is not about this one, and no rules of ours decide in a flow log."""
        if seen.log == "flow":
            return False
        return not seen.policy or not self.policies or seen.policy.lower() in self.policies

    def verdict(self, seen: Seen) -> Verdict | None:
        return verdict_of(self.verdicts, seen)


def verdict_of(verdicts: CompiledVerdicts, seen: Seen) -> Verdict | None:
    """What the rules say about flows that were seen; None for what is no flow of theirs, such as IPv6."""
    flow = flow_of_seen(seen)
    return verdicts.verdict(flow) if flow is not None else None


def flow_of_seen(seen: Seen) -> Flow | None:
    source, destination = number_of(seen.source), number_of(seen.destination)
    if source is None or (seen.destination and destination is None):
        return None
    application = (
        seen.protocol if seen.protocol in HTTP_PORTS and not (seen.destination and not seen.name) else ""
    )
    transport = "tcp" if seen.protocol in HTTP_PORTS else seen.protocol
    return Flow(
        source=source, port=seen.port, transport=transport, application=application, sni=seen.name, host=seen.name,
        destination=destination,
    )  # fmt: skip


@lru_cache(maxsize=1 << 16)
def number_of(address: str) -> int | None:
    """An IPv4 address as a number; None for anything else."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        return None
    return int(parts[0]) << 24 | int(parts[1]) << 16 | int(parts[2]) << 8 | int(parts[3])


def evidence_without_workload(
    traffic: Traffic, window: Window, known: KnownNames, today: dt.date
) -> Evidence:
    """What was denied, and which catalogs have it; nothing about rules, as none are known."""
    denied: dict[tuple[str, str], tuple[Seen, Tally]] = {}
    for seen in seen_in(traffic, window):
        if seen.action == "deny":
            denied.setdefault((seen.end, seen.decided_by), (seen, Tally()))[1].add(seen)
    items = [
        Denied(end=end, name=seen.name, by=by, tally=tally, now="", now_by="", known=known.named(seen.name))
        for (end, by), (seen, tally) in denied.items()
    ]
    return Evidence(
        account=account_in(traffic, window), denied=tuple(_most(items)), days=days_of(traffic, window),
        confirmed=known.confirmed(hits_in(traffic), today),
        refused=("without a workload and its rules nobody can say what is unused",),
    )  # fmt: skip


def gather(
    project: Project,
    estate: Estate,
    specs: Sequence[TargetSpec],
    traffic: Traffic,
    window: Window,
    known: KnownNames,
    change: Callable[[TargetSpec, Ruleset], Ruleset] | None = None,
    what_if: str = "",
) -> Evidence:
    """All answers; with ``change``, also what the rules it makes of a target's would have done."""
    judges = [Judge.of(project, estate, spec) for spec in specs]
    after = [compile_verdicts(change(spec, judge.ruleset), project.facts) for spec, judge in zip(specs, judges, strict=True)] if change else []  # fmt: skip
    gathering = _Gathering(judges, after, known)
    for seen in seen_in(traffic, window):
        gathering.take(seen)
    account = account_in(traffic, window)
    refused = tuple(account.doubts())
    return Evidence(
        account=account,
        workload=project.workload.name,
        denied=tuple(_most(gathering.denied_items())),
        excess=tuple(_most(gathering.excess_items())),
        confirmed=known.confirmed(hits_in(traffic), project.now.date()),
        unused=() if refused else tuple(gathering.unused_items(account)),
        redundant=() if refused else tuple(gathering.redundant_items(account)),
        refused=refused,
        effects=tuple(_most(gathering.effect_items())),
        what_if=what_if,
        days=days_of(traffic, window),
    )


def denied_in(
    judges: Sequence[Judge], traffic: Traffic, window: Window, known: KnownNames
) -> Iterator[Denied]:
    """What was denied at these targets, and by whom it is wanted; a flow that several may have seen counts once."""
    gathering = _Gathering(judges, [], known)
    for seen in seen_in(traffic, window):
        if seen.action == "deny":
            gathering.take(seen)
    yield from gathering.denied_items()


class _Once:
    """A flow that several targets share one firewall for, or that may be any's: each tally counts it once, each effect tells it once."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.effects: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
        """What a change does to it, with all that decide it before and after."""
        self._counted: set[int] = set()

    def count(self, tally: Tally) -> None:
        if id(tally) not in self._counted:
            self._counted.add(id(tally))
            tally.add(self.seen)


@dataclass(slots=True)
class _Refused:
    """Denied flows to one end by one rule; ``now`` is what the rules as read do with all of them, else unknown."""

    seen: Seen
    tally: Tally
    now: str = ""
    now_by: str = ""
    wanted: list[str] = field(default_factory=list)
    ours: bool = False

    def judged(self, word: str, by: str) -> None:
        if not self.now:
            self.now, self.now_by = word, by
        elif self.now not in (word, "unknown"):
            self.now, self.now_by = "unknown", f"{self.now_by}, or {by}"


class _Gathering:
    """One pass over the flows, for every answer at once."""

    def __init__(self, judges: Sequence[Judge], after: Sequence[CompiledVerdicts], known: KnownNames) -> None:
        self._judges, self._after, self._known = judges, after, known
        self._denied: dict[tuple[str, str], _Refused] = {}
        self._excess: dict[tuple[str, str], tuple[Seen, Tally, Verdict | None]] = {}
        self._effects: dict[tuple[str, str, str, str], Tally] = {}
        self._used_rules: set[tuple[str, ...]] = set()
        self._used_requirements: set[tuple[str, str]] = set()
        self._used_targets: set[str] = set()
        self._logs: set[str] = set()
        self._wanted = [_Wanted(judge.wanted) for judge in judges]
        self._chains = [Chains() for _ in judges]

    def take(self, seen: Seen) -> None:
        self._logs.add(seen.log)
        if seen.log == "flow":
            kept = self._refused(seen)
            kept.ours = True
            kept.tally.add(seen)
            return
        about = [number for number, judge in enumerate(self._judges) if judge.is_about(seen)]
        if not about:
            return
        flow = flow_of_seen(seen)
        wanted = {number: self._wanted[number].of(seen, flow) if flow is not None else [] for number in about}
        once = _Once(seen)
        for number in about:
            self._take(number, once, flow, wanted[number], is_wanted=any(wanted.values()))
        for word, (before, after) in once.effects.items():
            key = (word, seen.end, " or ".join(before), " or ".join(after))
            self._effects.setdefault(key, Tally()).add(seen)

    def _take(
        self, number: int, once: _Once, flow: Flow | None, wanted: list[str], *, is_wanted: bool
    ) -> None:
        """What one target says of it; ``is_wanted`` by any target whose firewall it went through."""
        judge, seen = self._judges[number], once.seen
        verdict = judge.verdict(seen)
        ours = flow is None or not seen.source or flow.source in judge.sources
        self._used_targets.add(judge.target)
        self._used_rules.add(_spelt(seen.group, seen.collection, seen.rule))
        if not seen.rule and verdict is not None and verdict.ref is not None:
            self._used_rules.add(_spelt(verdict.ref.group, verdict.ref.collection, verdict.ref.rule))
        if seen.action == "deny":
            now = verdict.word if verdict is not None else "unknown"
            ref = str(verdict.ref or verdict.because) if verdict is not None else "no IPv4 flow"
            kept = self._refused(seen)
            kept.judged(now, ref)
            kept.ours = kept.ours or ours
            once.count(kept.tally)
            kept.wanted.extend(text for text in wanted if text not in kept.wanted)
        else:
            self._used_requirements.update((judge.target, text) for text in wanted)
            if ours and not is_wanted:
                by = seen.decided_by or (str(verdict.ref) if verdict is not None and verdict.ref else "")
                once.count(self._excess.setdefault((seen.end, by), (seen, Tally(), verdict))[1])
        if verdict is not None and flow is not None and seen.log != "threat":
            self._chains[number].take(judge.verdicts, flow, verdict, seen)
        if self._after and verdict is not None and flow is not None:
            self._compare(once, verdict, self._after[number].verdict(flow))

    def _refused(self, seen: Seen) -> _Refused:
        return self._denied.setdefault((seen.end, seen.decided_by), _Refused(seen, Tally()))

    def _compare(self, once: _Once, before: Verdict, after: Verdict) -> None:
        word = effect_word(before, after)
        if word:
            befores, afters = once.effects.setdefault(word, ({}, {}))
            befores[_by(before)] = afters[_by(after)] = None

    def denied_items(self) -> Iterator[Denied]:
        for (end, by), kept in self._denied.items():
            yield Denied(
                end=end, name=kept.seen.name, by=by, tally=kept.tally, now=kept.now, now_by=kept.now_by,
                wanted_by=tuple(kept.wanted), known=self._known.named(kept.seen.name), ours=kept.ours,
            )  # fmt: skip

    def excess_items(self) -> Iterator[Excess]:
        names: dict[str, set[str]] = {}
        for (_, by), (seen, _, _) in self._excess.items():
            names.setdefault(by, set()).add(seen.name or seen.destination)
        for (end, by), (seen, tally, verdict) in self._excess.items():
            yield Excess(
                end=end, name=seen.name, by=by, tally=tally, known=self._known.named(seen.name),
                tighten=self._tighter(verdict, names[by]),
            )  # fmt: skip

    def _tighter(self, verdict: Verdict | None, names: set[str]) -> str:
        """A rule with a wildcard that only ever lets few names through can name them."""
        ref = verdict.ref if verdict is not None else None
        patterns = next(
            (
                rule.patterns
                for judge in self._judges
                for rule in judge.ruleset.application
                if rule.ref == ref
            ),
            (),
        )
        wild = [pattern for pattern in patterns if pattern.startswith("*")]
        if not wild or ref is None:
            return ""
        listed = ", ".join(sorted(names)[:_SHOWN]) + (
            f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        )
        return f"{', '.join(wild)} in rule {ref.rule} was used for {listed}"

    def effect_items(self) -> Iterator[Effect]:
        for (word, end, before, after), tally in self._effects.items():
            yield Effect(word=word, end=end, tally=tally, before=before, after=after)

    def redundant_items(self, account: Account) -> Iterator[Redundant]:
        for judge, chains in zip(self._judges, self._chains, strict=True):
            for item in chains.redundant(judge.target):
                yield replace(item, lasted=account.lasted, short=account.is_short)

    def unused_items(self, account: Account) -> Iterator[Unused]:
        """Only of kinds whose log was seen at all: without a network log nothing is known of network rules.

        A rule whose flows another one always decides first is redundant, which says more.
        """
        for kind, subject, why in self._unused():
            yield Unused(kind=kind, subject=subject, why=why, lasted=account.lasted, short=account.is_short)

    def _unused(self) -> Iterator[tuple[str, str, str]]:
        redundant = (item for judge, chains in zip(self._judges, self._chains, strict=True) for item in chains.redundant(judge.target))  # fmt: skip
        fits = {item.rule for item in redundant if not item.decides}
        for judge in self._judges:
            if judge.target not in self._used_targets:
                yield "target", judge.target, "no flow went through it"
                continue
            for stage, rules in (
                ("application", judge.ruleset.application),
                ("network", judge.ruleset.network),
            ):
                if self._logs & {stage, "proxy"}:
                    refs = [rule.ref for rule in rules if str(rule.ref) not in fits]
                    yield from self._unused_rules(stage, refs)
            yield from self._unused_requirements(judge)

    def _unused_rules(self, stage: str, refs: Iterable[RuleRef]) -> Iterator[tuple[str, str, str]]:
        for ref in refs:
            if _spelt(ref.group, ref.collection, ref.rule) not in self._used_rules:
                yield "rule", str(ref), f"no flow was decided by this {stage} rule"

    def _unused_requirements(self, judge: Judge) -> Iterator[tuple[str, str, str]]:
        for requirement in judge.wanted:
            named = requirement.is_by_name and self._logs & {"application", "proxy"}
            if named and (judge.target, str(requirement.origin)) not in self._used_requirements:
                text = f"{requirement.pattern} {requirement.protocol} was never let through for a source of this workload"
                yield "requirement", str(requirement.origin), text


class _Wanted:
    """Requirements by pattern, so that one flow is asked about few of them."""

    def __init__(self, requirements: Sequence[Requirement]) -> None:
        self._by_pattern: dict[str, list[Requirement]] = {}
        for requirement in requirements:
            if requirement.pattern:
                self._by_pattern.setdefault(requirement.pattern, []).append(requirement)

    def of(self, seen: Seen, flow: Flow) -> list[str]:
        from allowlist.names import ancestors

        if not seen.name:
            return []
        found = (item for text in ancestors(seen.name) for item in self._by_pattern.get(text, ()))
        return list(dict.fromkeys(
            str(item.origin) for item in found
            if item.protocol == seen.protocol and item.ports[0] <= seen.port <= item.ports[1] and flow.source in item.sources
        ))  # fmt: skip


def effect_word(before: Verdict, after: Verdict) -> str:
    """``opens``, ``closes``, ``moves`` (another rule decides the same), ``unknown``, or nothing."""
    if before.word != after.word:
        if "unknown" in (before.word, after.word):
            return "unknown"
        return "opens" if after.word == "allow" else "closes"
    return "moves" if str(before.ref) != str(after.ref) else ""


def _by(verdict: Verdict) -> str:
    return str(verdict.ref) if verdict.ref else f"{verdict.stage}"


def _spelt(*parts: str) -> tuple[str, ...]:
    """Azure compares names of rules without case."""
    return tuple(part.lower() for part in parts)


Told = TypeVar("Told", Denied, Excess, Effect)


def _most(items: Iterable[Told]) -> list[Told]:
    return sorted(items, key=lambda item: (-item.tally.count, item.end))


def days_of(traffic: Traffic, window: Window) -> tuple[tuple[dt.date, int, int], ...]:
    """Flows let through and denied by day, days without any included."""
    rows = traffic.rows(
        "SELECT day, sum(n) FILTER (action = 'allow'), sum(n) FILTER (action = 'deny') FROM traffic "
        f"WHERE log IN ('application', 'network', 'proxy', 'threat') AND {window.condition} GROUP BY day ORDER BY day"
    )
    known = {day: (int(allowed or 0), int(denied or 0)) for day, allowed, denied in rows}
    if not known:
        return ()
    first, last = min(known), max(known)
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    return tuple((day, *known.get(day, (0, 0))) for day in days)


def without_rules(names: Sequence[str]) -> Callable[[TargetSpec, Ruleset], Ruleset]:
    """A target's rules without those of these names, or of these whole paths."""

    def change(spec: TargetSpec, ruleset: Ruleset) -> Ruleset:
        del spec

        def kept(ref: RuleRef) -> bool:
            return not any(
                str(ref).lower() == name.lower() or ref.rule.lower() == name.lower() for name in names
            )

        return msgspec.structs.replace(
            ruleset,
            network=tuple(rule for rule in ruleset.network if kept(rule.ref)),
            application=tuple(rule for rule in ruleset.application if kept(rule.ref)),
        )

    return change


def with_estate(project: Project, other: Estate) -> Callable[[TargetSpec, Ruleset], Ruleset]:
    """A target's rules as they are in another state: a snapshot, a plan of Terraform, another team's change."""

    def change(spec: TargetSpec, ruleset: Ruleset) -> Ruleset:
        del ruleset
        return project.point(spec).ruleset(other)

    return change
