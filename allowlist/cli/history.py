"""``allowlist history``."""

from __future__ import annotations

from typing import Any

import click

from allowlist.cli.common import json_option, ledger_from, ledger_option
from allowlist.cli.console import plain, put, put_json, say
from allowlist.cli.exits import Exit
from allowlist.store.records import Run


@click.command()
@click.argument("run", required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs.")
@click.option("--verify", is_flag=True, help="Check the whole ledger for tampering.")
@json_option
@ledger_option
def history(run: str | None, limit: int, verify: bool, as_json: bool, ledger_url: str | None) -> int:
    """Show runs, or everything about one RUN; nothing in the ledger is ever overwritten.

    \b
    Examples:
      allowlist history
      allowlist history 20261124-101500-ab12cd --json
      allowlist history --verify
    """
    with ledger_from(ledger_url) as ledger:
        if verify:
            found = ledger.verify()
            for tampering in found:
                put(f"row {tampering.seq}: {tampering.because}")
            head = ledger.head()
            say(f"{head.seq} rows, head {head.digest}: {'TAMPERED' if found else 'intact'}")
            return Exit.FAILED if found else Exit.DONE
        runs = (ledger.run(run),) if run else ledger.runs(limit)
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
    return Exit.DONE


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
        "begun": run.begun,
        "finished": run.finished,
        "resumes": run.resumes,
        "summary": run.summary,
    }
    return data | ({"steps": run.steps} if steps else {})
