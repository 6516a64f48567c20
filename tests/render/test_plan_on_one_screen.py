"""Thousands of changes on one screen, and in a comment the riskiest with their evidence within the limit."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from allowlist.plan.findings import Finding, Status
from allowlist.plan.model import Gap, Plan, Proof, Risk, Skip
from allowlist.plan.risks import riskiest_first
from allowlist.render.findings import findings_text
from allowlist.render.markdown import COMMENT_CHARACTERS
from allowlist.render.plan import plan_text
from allowlist.render.plan_comment import plan_comment, plan_summary
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.many import many_changes
from tests.helpers.plans import PROVED, a_change, a_plan, resealed
from tests.helpers.review_plan import review_plan

SCREEN = 50


@pytest.fixture(scope="module")
def large() -> Plan:
    """2,000 changes over 20 targets, one of them not proved, with a hundred gaps and skips."""
    plan = many_changes(2000)
    wider = msgspec.structs.replace(
        PROVED,
        nothing_else=Proof(
            holds=False, text="also opens b.example", witness="10.20.0.4 → b.example https:443"
        ),
    )
    first, *others = plan.changes
    odd = msgspec.structs.replace(first, proofs=wider, risk=Risk.WIDENING)
    gaps = tuple(
        Gap(target=change.target, requirement=change.requirements[0], cause="denied first")
        for change in others[:100]
    )
    skips = tuple(
        Skip(target="firewall-00", subject=f"r{n}", code="foreign", text="not ours") for n in range(100)
    )
    changes = (*others, odd)
    return resealed(msgspec.structs.replace(plan, changes=changes, gaps=gaps, skips=skips))


def test_two_thousand_changes_fit_on_a_screen(large: Plan) -> None:
    lines = list(plan_text(large))
    assert len(lines) <= SCREEN
    text = "\n".join(lines)
    assert "firewall-00 (firewall-policy): 100 changes" in text
    assert "14 more targets: 1,400 changes" in text
    assert "for foundry-hub 100; risks:" in text
    assert "✗ nothing else: also opens b.example — 10.20.0.4 → b.example https:443" in text
    assert "… and 96 more gaps and findings" in text
    assert "100 things left alone: foreign 100" in text
    assert lines[-1] == "every change with its proofs: --details"
    assert len(list(plan_text(large, details=True))) > 10_000


def test_a_small_plan_is_shown_whole() -> None:
    assert not any("--details" in line for line in plan_text(review_plan()))


def test_a_check_of_many_findings_fits_on_a_screen() -> None:
    refs = [change.requirements[0] for change in many_changes(2000).changes]
    findings = [
        Finding(
            status=Status.MISSING, target=f"t{n % 20}", severity="error", requirement=ref, because="no rule"
        )
        for n, ref in enumerate(refs)
    ]
    findings += [
        Finding(status=Status.BLOCKED, target="t0", severity="error", requirement=ref, because="denied")
        for ref in refs[:40]
    ]
    lines = list(findings_text(findings, str))
    assert len(lines) <= SCREEN
    assert "missing  100 on t0: foundry-hub 100" in lines
    assert any(line.startswith("… and 28 more like these") for line in lines)
    assert lines[-1] == "every finding with its witness: --details"
    assert len(list(findings_text(findings, str, details=True))) > 4000


def test_check_and_plan_show_everything_on_request(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    short, whole = allowlist("check", *where).out, allowlist("check", *where, "--details").out
    assert len(short.splitlines()) <= SCREEN < len(whole.splitlines())
    assert "transfer.xethub.hf.co" in short
    short, whole = allowlist("plan", *where).out, allowlist("plan", *where, "--details").out
    assert len(short.splitlines()) <= SCREEN < len(whole.splitlines())
    assert "gate billed-firewall-foundry-account (closed)" in short
    del workplace


def test_the_comment_shows_every_flow_and_what_opens_besides(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    comment = allowlist(
        "plan", *where, "--format", "comment", "--page", "https://pages.example/plan.html"
    ).out
    assert comment.startswith("<!-- allowlist: plan research-agents -->")
    assert "[The whole plan as a page](https://pages.example/plan.html)" in comment
    assert "huggingface.co http:80 besides" in comment
    assert "10.40.0.0/22 → huggingface.co https:443" in comment
    assert "🔴 &#36; billed, 🟡 &#42; wildcard" in comment
    assert "<details><summary>proofs and sources</summary>" in comment
    assert "✓ nothing else" in comment
    assert re.search(
        r"source \[hugging-face&#64;[^\]]*\]\(https://github.com/huggingface/[^)]*#:~:text=", comment
    )
    assert len(comment) <= COMMENT_CHARACTERS
    assert comment.count("<details>") == comment.count("</details>")
    del workplace


def test_within_the_limit_the_riskiest_come_first_and_the_rest_is_counted(large: Plan) -> None:
    comment = plan_comment(large)
    assert len(comment) <= COMMENT_CHARACTERS
    shown = re.findall(r"· ([0-9a-f]{8}) \*\*", comment)
    assert shown == [change.id for change in riskiest_first(large.changes)][: len(shown)]
    assert comment.index("🔴 not proved") < comment.index("<details>")
    assert f"… and {2000 - len(shown)} more, left out here" in comment
    assert comment.count("<details>") == comment.count("</details>") >= 20
    bare = len(shown) - comment.count("<details>")
    assert f"{bare} changes above without proofs and sources" in comment


def test_a_summary_has_more_room_and_no_marker(large: Plan) -> None:
    summary = plan_summary(large)
    assert summary.startswith("## allowlist plan: fleet")
    assert COMMENT_CHARACTERS < len(summary.encode()) <= 1024 * 1024


def test_nothing_in_a_plan_can_end_a_link_or_a_fold() -> None:
    evil = "</details> [x](javascript:alert(1)) `\n## heading"
    ref = msgspec.structs.replace(
        review_plan().changes[0].requirements[0], source_url="https://a.example/x) <b>", purpose=evil
    )
    change = msgspec.structs.replace(a_change("a.example"), title=evil, requirements=(ref,))
    comment = plan_comment(a_plan(change), "javascript:alert(1)")
    assert comment.count("</details>") == 1
    assert "](javascript:" not in comment
    assert "\n## heading" not in comment
    assert "https://a.example/x%29%20%3Cb%3E" in comment
    assert "left out" not in comment
