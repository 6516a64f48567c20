"""``allowlist demo``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import now
from allowlist.cli.console import is_interactive, plain, put, say, styled
from allowlist.cli.exits import Exit
from allowlist.cli.progress import show_progress
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.apply.result import RunResult
    from allowlist.plan.model import Plan
    from allowlist.workflow.project import Project

DEMO_USER = "demo@contoso.example"


@click.command()
@click.option(
    "--files",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Only write the example's files here.",
)
@click.option("--yes", is_flag=True, help="Approve without asking.")
@click.option(
    "--with",
    "engine",
    type=click.Choice(["squid"]),
    help="Show the same list in a real Squid on this machine instead: what it lets through, name by name.",
)
def demo(folder: Path | None, yes: bool, engine: str | None) -> int:
    """Run the whole loop on a simulated company: check, evidence, plan, approve, apply, verify.

    Nothing has to be set up and nothing outside a temporary folder is touched.
    """
    from allowlist.workflow.demo import write_example

    if folder is not None:
        write_example(folder)
        put(f"{folder}: a workload file, and a hub firewall and a managed network as Azure returns them")
        return Exit.DONE
    with tempfile.TemporaryDirectory(prefix="allowlist-demo-") as name:
        write_example(Path(name) / "contoso")
        if engine is not None:
            return _show_squid(Path(name) / "contoso")
        return _run(Path(name) / "contoso", yes)


def _show_squid(folder: Path) -> int:
    from allowlist.errors import AllowlistError
    from allowlist.workflow.exporting import wanted_by_workload
    from allowlist.workflow.project import load_project
    from allowlist.workflow.squid_demo import ask_squid, squid_version

    version = squid_version()
    project = load_project(folder / "allowlist.yaml", now=now())
    wanted = wanted_by_workload(project.workload, project.source, project.library, (), now().date())
    say(
        f"1. the list of {project.workload.name} is written for Squid, read back by its rules and proved equal"
    )
    say(f"2. Squid {version} starts on this machine with it, and is asked for every name and its look-alikes")
    asked = ask_squid(wanted)
    shown = [item for item in asked if item.passed][:3] + [item for item in asked if not item.passed][:3]
    for item in shown:
        put(f"   {'passes' if item.passed else '403   '}  {item.name}")
    wrong = [item for item in asked if item.passed != item.proved]
    if wrong:
        raise AllowlistError(f"Squid answers otherwise than the proof says for {wrong[0].name}")
    passed = sum(item.passed for item in asked)
    say(
        f"3. asked for {counted(len(asked), 'name')}: passed {passed}, refused {len(asked) - passed}, each as the proof says"
    )
    return Exit.DONE


def _run(folder: Path, yes: bool) -> int:
    from allowlist.azure.client import Patience
    from allowlist.azure.connection import Connection, connect
    from allowlist.simulator import Simulator, serve
    from allowlist.workflow.project import load_project, read_estate

    simulator = Simulator()
    simulator.seed(folder / "estate")
    project = load_project(folder / "allowlist.yaml", now=now())
    specs = project.targets()
    with serve(simulator) as running:
        say(
            f"1. a simulated Azure is running at {running.url}: Contoso's hub firewall, with the rules of other teams,"
            " and a Foundry account with a managed network"
        )
        connection = Connection(
            endpoint=running.url, credential="none", patience=Patience(first_poll=0.1, longest_poll=0.5)
        )
        with connect(connection, notify=say) as arm:
            from allowlist.workflow.planning import make_plan

            _show_check(project, arm)
            _show_traffic(project, arm, folder)
            plan = make_plan(project, read_estate(project, specs, arm), specs)
            _show_plan(plan)
            if not _is_approved(plan, yes):
                say("nothing was written")
                return Exit.NOT_APPROVED
            return _apply(project, plan, arm, folder)


def _show_check(project: Project, arm: object) -> None:
    from allowlist.render.findings import findings_text, summary_text
    from allowlist.workflow.checking import check_targets
    from allowlist.workflow.project import read_estate

    specs = project.targets()
    checks = check_targets(project, read_estate(project, specs, arm), specs)  # type: ignore[arg-type]
    findings = [finding for item in checks for finding in item.findings]
    say(f"2. check: {summary_text(findings)}; the worst of it:")
    shown = {"missing": 2, "blocked": 1, "partial": 1, "widens": 3}
    for finding in findings:
        if shown.get(finding.status.value, 0):
            shown[finding.status.value] -= 1
            for line in findings_text([finding], styled):
                put(f"   {plain(line)}")


def _show_traffic(project: Project, arm: object, folder: Path) -> None:
    """What the log of the simulated firewall says: names that were denied, and who wants them."""
    from allowlist.render.evidence import summary_line
    from allowlist.workflow.demo import write_traffic
    from allowlist.workflow.denied import View, denied_names
    from allowlist.workflow.evidence import Window, gather
    from allowlist.workflow.known_names import KnownNames
    from allowlist.workflow.logs import reading_logs
    from allowlist.workflow.project import read_estate

    specs = [spec for spec in project.targets() if spec.surface == "firewall-policy"]
    estate, known = read_estate(project, specs, arm), KnownNames(project.library)  # type: ignore[arg-type]
    logs, spool = write_traffic(folder, now()), folder / "spool"
    spool.mkdir()
    with reading_logs([str(logs)], spool, {"XDG_CACHE_HOME": str(folder / "cache")}) as traffic:
        found = gather(project, estate, specs, traffic, Window.of(project.workload.evidence), known)
        denied = denied_names([View.of(project, estate, spec) for spec in specs], traffic, known, project.now)
    say(f"3. evidence: the firewall's log of three hours, written by the simulator: {summary_line(found)}")
    for item in denied:
        put(f"   {plain(item.text)}")


def _show_plan(plan: Plan) -> None:
    from allowlist.render.plan import change_text, summary_text

    say(f"4. {summary_text(plan)}; one change of each target, and what cannot be done:")
    for target in plan.targets:
        change = next(change for change in plan.changes if change.target == target.name)
        for line in change_text(change):
            put(f"   {plain(line)}")
    for gap in plan.gaps[:1]:
        put(f"   gap {gap.requirement.pattern}: {gap.cause}")
    for gate in plan.gates:
        put(f"   gate {gate.id}: {plain(gate.text)}")


def _all(plan: Plan) -> str:
    return f"all {counted(len(plan.changes), 'change')}" if len(plan.changes) > 1 else "the one change"


def _is_approved(plan: Plan, yes: bool) -> bool:
    gates = "".join(f" and accepts the gate {gate.id}" for gate in plan.gates if not gate.final)
    if yes or not is_interactive():
        say(f"5. approve: nobody to ask here, so {DEMO_USER} approves {_all(plan)}{gates}")
        return True
    question = f"5. shall {DEMO_USER} approve {_all(plan)}{gates}?"
    return click.confirm(question.replace(" accepts ", " accept "), err=True, default=True)


def _apply(project: Project, plan: Plan, arm: object, folder: Path) -> int:
    from allowlist.apply.executor import RunContext
    from allowlist.store import open_ledger
    from allowlist.store.identity import Identity
    from allowlist.workflow.applying import ApplyOptions, apply_plan, raise_if_incomplete
    from allowlist.workflow.deciding import decide

    who = Identity(who=DEMO_USER, kind="unverified")
    with (
        open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=now) as ledger,
        show_progress() as watch,
    ):
        gates = [gate.id for gate in plan.gates if not gate.final]
        decide(ledger, plan, plan.changes, "approve", who, "the demo", now(), gates=gates)
        say("6. apply: journalled, written, read back, verified")
        context = RunContext(
            ledger=ledger,
            who=DEMO_USER,
            clock=now,
            sleep=time.sleep,
            on_event=watch,
            busy_pause=0.2,
            settle_pause=0.1,
        )
        result = apply_plan(project, plan, arm, context, ApplyOptions())  # type: ignore[arg-type]
    raise_if_incomplete(result)
    _show_end(result)
    return Exit.DONE


def _show_end(result: RunResult) -> None:
    """What a fresh plan says: nothing is called fine that is left to somebody."""
    from allowlist.render.plan import afterwards_lines, afterwards_text

    assert result.afterwards is not None
    say(f"7. a fresh plan is empty ({result.summary()}): {afterwards_text(result.afterwards)}")
    for line in afterwards_lines(result.afterwards):
        put(f"   {plain(line)}")
