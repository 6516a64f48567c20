"""init, snapshot, check, plan, approve, apply, history, rollback from the command line, against a running simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, Result, allowlist
from tests.helpers.schemas import fits
from tests.helpers.world import FOREIGN


@pytest.fixture
def simulator() -> Iterator[tuple[Simulator, str]]:
    found = Simulator()
    found.seed(CONTOSO)
    with serve(found) as running:
        yield found, running.url


@pytest.fixture
def run(simulator: tuple[Simulator, str], workplace: Path):  # type: ignore[no-untyped-def]
    (workplace / "allowlist.yaml").write_text((FIREWALL_ONLY).read_text())

    def on_azure(*arguments: object) -> Result:
        return allowlist(*arguments, "--arm-endpoint", simulator[1], "--credential", "none")

    return on_azure


def test_the_loop_of_a_working_day(run, workplace: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("check", "--exit-code").code == 2
    assert run("plan", "-o", "plan.json", "--exit-code").code == 2
    assert run("apply", "plan.json").code == 5
    assert allowlist("approve", "plan.json", "--all", "--reason", "ticket 1").code == 0
    applied = run("apply", "plan.json", "--json")
    assert applied.code == 0, applied.err
    assert applied.json["converged"] is None
    fits("apply", applied.json)
    fits("runs", allowlist("history", "--json").json)
    fits("runs", allowlist("history", applied.json["run"], "--json").json)
    assert "converged" not in applied.err
    assert [line.split()[0] for line in applied.json["open"]] == ["gap", "gap"]
    left = run("plan", "--exit-code", "--json")
    assert (left.code, left.json["changes"], len(left.json["gaps"])) == (2, [], 2)
    assert run("apply", "plan.json").code == 4
    (latest, *_) = json.loads(allowlist("history", "--json").out)[1:]
    assert latest["run"] == applied.json["run"]
    assert latest["state"] == "succeeded"
    assert allowlist("history", "--verify").code == 0
    assert run("rollback", applied.json["run"]).code == 0
    assert run("plan", "--exit-code").code == 2
    assert allowlist("unlock").out == ""
    del workplace


def test_a_stale_plan_is_exit_code_four(run, simulator: tuple[Simulator, str]) -> None:  # type: ignore[no-untyped-def]
    run("plan", "-o", "plan.json")
    allowlist("approve", "plan.json", "--all", "--reason", "ticket 1")
    simulator[0].edit(FOREIGN, lambda body: body["properties"]["ruleCollections"].pop())
    result = run("apply", "plan.json")
    assert result.code == 4
    assert "make a new plan" in result.err


def test_a_provisional_run_is_refused_where_nobody_would_undo_it(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    run("plan", "-o", "plan.json")
    allowlist("approve", "plan.json", "--all", "--reason", "ticket 1")
    for undone_by in ("watcher", "sync"):
        refused = run("apply", "plan.json", "--confirm-within", "10m", "--no-wait", "--undone-by", undone_by)
        assert refused.code == 1
        assert "nobody would undo it" in refused.err
    assert allowlist("history").out == ""


def test_a_provisional_run_can_be_confirmed(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("CI", raising=False)
    run("plan", "-o", "plan.json")
    allowlist("approve", "plan.json", "--all", "--reason", "ticket 1")
    applied = run("apply", "plan.json", "--confirm-within", "10m", "--no-wait", "--json")
    assert applied.code == 0, applied.err
    assert "undoes it, also when this terminal is closed" in applied.err
    assert allowlist("confirm", applied.json["run"]).code == 0
    assert allowlist("confirm", applied.json["run"]).code == 1


def test_a_snapshot_answers_like_azure(  # type: ignore[no-untyped-def]
    run, simulator: tuple[Simulator, str], workplace: Path
) -> None:
    assert run("snapshot", "-o", "state").code == 0
    online = run("check", "--json").out
    offline = allowlist("check", "--snapshot", "state", "--json").out
    given = f"--arm-endpoint {simulator[1]} --credential none"  # the next step carries what was given
    assert given in online
    assert json.loads(online.replace(given, "--snapshot state")) == json.loads(offline)
    (workplace / "other").mkdir()
    (workplace / "other" / "x.json").write_text("{}")
    refused = run("snapshot", "-o", "other")
    assert refused.code == 1
    assert (workplace / "other" / "x.json").read_text() == "{}"


def test_init_writes_a_file_that_reads(run, workplace: Path) -> None:  # type: ignore[no-untyped-def]
    (workplace / "allowlist.yaml").unlink()
    arguments = (
        "--subscription",
        "00000000-0000-0000-0000-000000000001",
        "--name",
        "mine",
        "--source",
        "10.40.0.0/23",
    )
    assert run("init", *arguments, "--catalog", "foundry-agents").code == 0
    assert run("check").code == 0
    again = run("init", *arguments, "--catalog", "foundry-agents")
    assert again.code == 1
    assert "--force" in again.err


def test_signed_decisions_from_elsewhere_are_checked(run, workplace: Path) -> None:  # type: ignore[no-untyped-def]
    import shutil
    import subprocess

    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True, cwd=workplace)
    public = (workplace / "key.pub").read_text()
    (workplace / "signers").write_text(f'alice@contoso.example namespaces="allowlist" {public}')
    text = (
        (workplace / "allowlist.yaml")
        .read_text()
        .replace(
            "approval: {valid_days: 14}",
            "approval: {allowed_signers: signers, approvers: [alice@contoso.example]}",
        )
    )
    (workplace / "allowlist.yaml").write_text(text)
    run("plan", "-o", "plan.json")
    signed = allowlist(
        "approve",
        "plan.json",
        "--all",
        "--reason",
        "ok",
        "--sign",
        "key",
        "--as",
        "alice@contoso.example",
        "-o",
        "approval.json",
        "--ledger",
        f"sqlite:///{workplace}/elsewhere.db",
    )
    assert signed.code == 0, signed.err
    document = (workplace / "approval.json").read_text()
    (workplace / "forged.json").write_text(document.replace('"ok"', '"nice"', 1))
    assert run("apply", "plan.json", "--approvals", "forged.json").code == 1
    assert run("apply", "plan.json", "--approvals", "approval.json").code == 0


def test_the_demo_ends_with_an_empty_plan_and_says_what_is_left_to_others() -> None:
    result = allowlist("demo")
    assert result.code == 0, result.err
    assert "models.research.contoso.com denied 9 times since" in result.out
    assert "from agents; required by own@research-agents#model-registry" in result.out
    assert "nobody knows this name; it looks like huggingface.co" in result.out
    assert "fresh plan is empty" in result.err
    assert "2 gaps" in result.err
    assert "converged" not in result.err
    assert result.out.count("gap ") >= 2
