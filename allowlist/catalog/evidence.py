"""How sure an entry is: computed from what is known about it and when it was seen, never typed by anybody.

Documentation and field are two kinds of knowledge. A page stands until it changes, and the upstream watch looks at it; a
report from the field was true on a day, in a region, with a version. So each class ages at its own pace, independent
reports support each other, and one that says "it works without" makes the entry contested until it is older than what
speaks against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from typing import Final

from allowlist.catalog.model import Entry, Evidence, EvidenceClass
from allowlist.documents.words import counted


class Confidence(StrEnum):
    """The strongest first. ``CONTESTED``: somebody had the name closed lately, and everything worked."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    CONTESTED = "contested"


_LEVELS: Final = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)

PACE: Final = {
    EvidenceClass.DOCUMENTED: 1095,
    EvidenceClass.MAINTAINER_SAID: 540,
    EvidenceClass.VALIDATED_ALONE: 540,
    EvidenceClass.VALIDATED_TOGETHER: 365,
    EvidenceClass.OBSERVED: 270,
    EvidenceClass.DENIED_IN_LOG: 365,
    EvidenceClass.ENDPOINT_IN_SOURCE: 365,
    EvidenceClass.RULE_IN_TEMPLATE: 270,
}
"""Days until a report of a class counts one level less, and once more after as many again.

A page is watched, so it ages slowest; packages move their hosts between minor versions (wandb between 0.30 and 0.31),
and templates are copied long after what they open has gone (``graph.windows.net``).
"""

_BEST: Final = {
    EvidenceClass.DOCUMENTED: 0,
    EvidenceClass.MAINTAINER_SAID: 0,
    EvidenceClass.VALIDATED_ALONE: 0,
    EvidenceClass.VALIDATED_TOGETHER: 1,
    EvidenceClass.OBSERVED: 1,
    EvidenceClass.DENIED_IN_LOG: 1,
    EvidenceClass.ENDPOINT_IN_SOURCE: 2,
    EvidenceClass.RULE_IN_TEMPLATE: 2,
}
"""The level that one fresh report of a class reaches by itself. A denied name is not yet a needed one."""

_UNDATED: Final = 1
"""Levels an undated report loses: when it was true is not known."""


def evidence_of(entry: Entry) -> tuple[Evidence, ...]:
    """Everything that speaks about ``entry``, the pages it cites included."""
    pages = (
        Evidence(
            kind=EvidenceClass.DOCUMENTED, repo=page.repo, where=page.path, commit=page.commit, date=page.date
        )
        for page in entry.sources
    )
    return (*pages, *entry.evidence)


def classes_of(entry: Entry) -> frozenset[EvidenceClass]:
    """The classes of what speaks for ``entry``."""
    return frozenset(item.kind for item in evidence_of(entry) if not item.works_without)


def confidence(entry: Entry, today: date, *, allowed: date | None = None) -> Confidence:
    """How sure ``entry`` is on ``today``. ``allowed`` is the last day on which one's own log shows the name let through.

    A hit in one's own log makes every report as fresh as that day: the name is still in use.
    """
    found = evidence_of(entry)
    support = [item for item in found if not item.works_without]
    if _is_contested(found, allowed):
        return Confidence.CONTESTED
    best = min((_level(item, today, allowed) for item in support), default=len(_LEVELS) - 1)
    if independent_groups(support) > 2 and any(
        _age(item, today, allowed) <= PACE[item.kind] for item in support
    ):
        best -= 1
    return _LEVELS[max(0, min(best, len(_LEVELS) - 1))]


def independent_groups(found: Iterable[Evidence]) -> int:
    """How many owners of repositories say so; two reports of one owner are one voice."""
    return len({item.repo.partition("/")[0].lower() or item.where for item in found})


def _is_contested(found: Collection[Evidence], allowed: date | None) -> bool:
    """Counter-evidence counts until something newer says again that the name is needed.

    A name that is documented stays required for those who go by the page; it is contested all the same.
    """
    against = [item for item in found if item.works_without]
    if not against:
        return False
    newest = max(_day(item.date) or date.min for item in against)
    decisive = (EvidenceClass.MAINTAINER_SAID, EvidenceClass.VALIDATED_ALONE)
    newer = (item for item in found if not item.works_without and item.kind in decisive)
    refuted = any((_day(item.date) or date.min) > newest for item in newer)
    return not refuted and not (allowed is not None and allowed > newest)


def _level(item: Evidence, today: date, allowed: date | None) -> int:
    age = _age(item, today, allowed)
    aged = _UNDATED if age < 0 else age // PACE[item.kind]
    return _BEST[item.kind] + (0 if item.kind is EvidenceClass.DOCUMENTED and age < 0 else aged)


def _age(item: Evidence, today: date, allowed: date | None) -> int:
    """Days since the report or the newer hit; -1 where neither has a date."""
    days = [day for day in (_day(item.date), allowed) if day is not None]
    return max((today - max(days)).days, 0) if days else -1


def _day(text: str) -> date | None:
    """``2026``, ``2026-05`` or ``2026-05-04`` as the first day it can mean."""
    if not text:
        return None
    year, month, day = [*(int(part) for part in text.split("-")), 1, 1][:3]
    return date(year, month, day)


def evidence_line(entry: Entry, today: date, *, allowed: date | None = None) -> str:
    """What people read beside an entry: how sure, how it is known, how many say so, since when, and what speaks against.

    ``medium: denied in log, validated together; 4 owners; newest 2026-08-17``
    """
    found = evidence_of(entry)
    support = [item for item in found if not item.works_without]
    against = len(found) - len(support)
    kinds = [kind.replace("-", " ") for kind in EvidenceClass if any(item.kind is kind for item in support)]
    owners = independent_groups(support)
    newest = max((item.date for item in support), default="")
    parts = [
        f"{confidence(entry, today, allowed=allowed)}: {', '.join(kinds) or 'nothing speaks for it'}",
        f"{counted(owners, 'owner')}" if support else "",
        f"newest {newest}" if newest else "no date",
        f"works without: {counted(against, 'report')}" if against else "",
        f"seen in your log {allowed.isoformat()}" if allowed else "",
    ]
    return "; ".join(part for part in parts if part)
