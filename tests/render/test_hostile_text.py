"""Names that somebody else wrote, in places that a person or a code host reads: a posture report and the review screen."""

from __future__ import annotations

import datetime as dt

import msgspec

from allowlist.network.posture import Posture
from allowlist.plan.findings import Finding, Status
from allowlist.plan.model import Concern, Plan
from allowlist.render.notices import of_plan
from allowlist.render.posture import posture_markdown, posture_report
from allowlist_tui.why import unsettled_lines
from tests.helpers.plans import a_plan

EVIL = "<img src=x onerror=alert(1)> `x` [y](https://z.example) \x1b[2J\u202e @team\n::error::x"


def report() -> Posture:
    found = Finding(
        status=Status.UNKNOWN,
        target=EVIL,
        severity="error",
        rule=EVIL,
        because=EVIL,
        remedy=EVIL,
        code="bad-state",
    )
    return Posture(
        workload=EVIL,
        cloud="public",
        origin=EVIL,
        created=dt.datetime(2026, 11, 28, tzinfo=dt.UTC),
        rows=(),
        paths=(),
        unreadable=(EVIL,),
        unsettled=(found,),
    )


def test_a_posture_report_in_markdown_holds_no_markup_of_others() -> None:
    text = "\n".join(posture_markdown(report()))

    for piece in ("<img", "`x`", "[y](", "\x1b", "\u202e", "@team", "\n::error"):
        assert piece not in text, piece
    assert "unknown" in text


def test_what_is_not_fine_is_a_notice_and_keeps_a_report_pending() -> None:
    made = report()

    assert made.is_pending
    assert [notice.rule for notice in posture_report(made, "allowlist.yaml").notices] == ["unknown"]


def _concerned() -> Plan:
    concern = Concern(target=EVIL, subject=EVIL, status="unknown", text=EVIL)
    return msgspec.structs.replace(a_plan(), concerns=(concern,))


def test_the_review_screen_obeys_nothing_that_others_wrote() -> None:
    shown = "".join(text for line in unsettled_lines(_concerned()) for text, _ in line)

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "unknown" in shown


def test_what_a_plan_cannot_mend_is_told_to_other_tools() -> None:
    assert "unknown" in {notice.rule for notice in of_plan(_concerned())}
