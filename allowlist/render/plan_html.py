"""A plan as one page with everything an approver needs; what is quoted is escaped by Jinja2."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from allowlist.plan.model import Change, Plan
from allowlist.plan.risks import is_proved
from allowlist.render.pages import environment
from allowlist.render.plan import approval_text, summary_text
from allowlist.render.plan_view import (
    MARKS,
    bills,
    counted_risks,
    gate_anchor,
    gate_state,
    not_undone,
    price,
    views,
)


def plan_html(plan: Plan, printed: Callable[[str], str] = str) -> str:
    """The whole page: it asks no host for anything, and runs no script but its own.

    ``printed`` makes the commands in a text such that they run as printed.
    """
    script = script_text("plan.js")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{_digest(script)}'"
    )
    return str(
        environment()
        .get_template("plan.html")
        .render(page_values(plan, printed), policy=policy, script=trusted(script))
    )


def page_values(plan: Plan, printed: Callable[[str], str] = str) -> dict[str, Any]:
    """What the template of a plan is filled with, whoever shows it."""
    return {
        "plan": plan,
        "title": f"Plan of {plan.workload}",
        "summary": summary_text(plan),
        "changes": views(plan),
        "unproved": sum(not is_proved(change) for change in plan.changes),
        "risks": list(counted_risks(plan)),
        "price": price(plan),
        "bills": bills(plan),
        "irreversible": not_undone(plan),
        "titles": {change.id: change.title for change in plan.changes},
        "per_target": Counter(change.target for change in plan.changes),
        "approval": approval_text(plan),
        "toc": _sections(plan),
        "marks": MARKS,
        "gate_anchor": gate_anchor,
        "gate_state": gate_state,
        "written": _written,
        "printed": printed,
        "nonce": "",
    }


def _sections(plan: Plan) -> list[tuple[str, str]]:
    found = (
        [("terms", "What costs money and what cannot be undone")] if not_undone(plan) or bills(plan) else []
    )
    found += [("gates", f"Gates ({len(plan.gates):,})")] if plan.gates else []
    found += [("changes", f"Changes ({len(plan.changes):,})")]
    lacking = len(plan.gaps) + len(plan.concerns)
    found += [("gaps", f"What the plan cannot mend ({lacking:,})")] if lacking else []
    found += [("skips", f"Left alone on purpose ({len(plan.skips):,})")] if plan.skips else []
    return [*found, ("targets", f"Targets ({len(plan.targets):,})")]


def _written(change: Change) -> str:
    """The operation as JSON, as it is sent."""
    return msgspec.json.format(msgspec.json.encode(change.operation), indent=2).decode()


@cache
def script_text(name: str) -> str:
    return (Path(__file__).with_name("templates") / name).read_text("utf-8")


def trusted(script: str) -> Any:
    """A script of ours, which is not to be escaped."""
    from markupsafe import Markup

    return Markup(script)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
