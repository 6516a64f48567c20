"""``allowlist history``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli import completing
from allowlist.cli.common import json_option, ledger_from, ledger_option, now, who_decides
from allowlist.cli.console import plain, put, put_json, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted
from allowlist.store.records import Run

if TYPE_CHECKING:
    from allowlist.store import Ledger
    from allowlist.workflow.decided import Decided

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@click.command()
@click.argument("run", required=False, shell_complete=completing.runs)
@click.option("--name", default="", metavar="HOST", help="Decisions about this name, pattern or title.")
@click.option("--who", default="", metavar="PERSON", help="Decisions of this person.")
@click.option("--since", type=click.DateTime(_DAYS), help="Decisions from this day or moment on (UTC).")
@click.option("--until", type=click.DateTime(_DAYS), help="Decisions before this day or moment (UTC).")
@click.option(
    "--decisions", "everything", is_flag=True, help="Decisions in place of runs; of RUN, where one is given."
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@click.option("--verify", is_flag=True, help="Check the whole ledger for tampering.")
@click.option(
    "--close", "reason", metavar="REASON", help="Leave an unfinished RUN as it is, for this reason."
)
@json_option
@ledger_option
def history(
    run: str | None,
    name: str,
    who: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
    everything: bool,
    limit: int,
    verify: bool,
    reason: str | None,
    as_json: bool,
    ledger_url: str | None,
) -> int:
    """Show runs, or everything about one RUN, or who decided what; nothing in the ledger is ever overwritten.

    A run whose process is gone is interrupted: finish it, undo it, or close it, and what it left is on record.

    \b
    Examples:
      allowlist history
      allowlist history 20261124-101500-ab12cd --json
      allowlist history --name huggingface.co
      allowlist history --who alice --since 2026-11-01 --json
      allowlist history --verify
      allowlist history 20261124-101500-ab12cd --close "the policy was deleted"
    """
    from allowlist.workflow.decided import Asked, decided

    with ledger_from(ledger_url) as ledger:
        if reason is not None:
            return _close(ledger, run, reason)
        if verify:
            found = (*ledger.verify(), *ledger.traffic_tampering())
            for tampering in found:
                put(f"row {tampering.seq}: {tampering.because}" if tampering.seq else tampering.because)
            head = ledger.head()
            say(f"{counted(head.seq, 'row')}, head {head.digest}: {'TAMPERED' if found else 'intact'}")
            if ledger.anchor is None:
                say("no anchor: what was cut off at the end cannot be told; name a file in ALLOWLIST_ANCHOR")
            return Exit.FAILED if found else Exit.DONE
        asked = Asked(name=name, who=who, run=run or "", since=_utc(since), until=_utc(until))
        if everything or name or who or since or until:
            return _show_decisions(decided(ledger, asked, limit), as_json)
        runs = (ledger.run(run),) if run else ledger.runs(limit)
        open_lines = [] if as_json else _open_lines(ledger, runs)
    if as_json:
        put_json([_as_data(item, steps=bool(run)) for item in runs])
        return Exit.DONE
    for item in runs:
        put(_line(item))
        for step in item.steps if run else ():
            put(
                plain(
                    f"  {step.at:%H:%M:%S} {step.index} {step.target} {step.state} {step.detail.get('reason', '')}".rstrip()
                )
            )
    if not runs:
        say("no runs yet")
    for line in open_lines:
        say(line)
    return Exit.DONE


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment else None


def _show_decisions(found: Sequence[Decided], as_json: bool) -> int:
    from allowlist.workflow.decided import decided_json, decided_lines

    if as_json:
        put_json(decided_json(found))
        return Exit.DONE
    for line in decided_lines(found):
        put(plain(line))
    if not found:
        say("no decision like that is on record")
    return Exit.DONE


def _close(ledger: Ledger, run: str | None, reason: str) -> int:
    import time

    from allowlist.apply.executor import RunContext
    from allowlist.azure.connection import SignIn
    from allowlist.workflow.closing import close_run

    if run is None or not reason.strip():
        raise click.UsageError("name the run and give a reason: allowlist history RUN --close REASON")
    context = RunContext(
        ledger=ledger, who=who_decides(SignIn(credential="none").to()).who, clock=now, sleep=time.sleep
    )
    closed, left = close_run(context, run, reason)
    counts = ", ".join(f"{count} {word}" for word, count in left.items()) or "nothing was begun"
    say(f"run {closed.run_id} is closed; by its journal it left: {counts}")
    return Exit.DONE


def _open_lines(ledger: Ledger, runs: Sequence[Run]) -> list[str]:
    """What can be done about each of ``runs`` that still needs somebody."""
    from allowlist.workflow.applying import next_steps
    from allowlist.workflow.lives import life_of

    waiting = {run.run_id for run in ledger.unfinished_runs() if run.state not in ("running", "provisional")}
    lines = []
    for run in runs:
        if run.run_id in waiting:
            undoes = life_of(ledger, run.run_id).root.run_id if run.kind == "rollback" else ""
            lines.append(f"{run.run_id} is {run.state} and needs somebody:")
            lines += [f"  {line}" for line in next_steps(run.run_id, undoes=undoes).split("\n")]
    return lines


def _line(run: Run) -> str:
    fates: dict[str, str] = run.summary.get("fates") or {}
    counts = ", ".join(f"{list(fates.values()).count(word)} {word}" for word in dict.fromkeys(fates.values()))
    return f"{run.run_id}  {run.kind}  {run.state}  {run.who}  {counts}".rstrip()


def _as_data(run: Run, *, steps: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "run": run.run_id,
        "plan": run.plan_id,
        "kind": run.kind,
        "state": run.state,
        "who": run.who,
        "cloud": run.cloud,
        "tenant": run.tenant,
        "begun": run.begun,
        "finished": run.finished,
        "resumes": run.resumes,
        "summary": run.summary,
    }
    return data | ({"steps": run.steps} if steps else {})
