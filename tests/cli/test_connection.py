"""Every command that talks to Azure, or asks who somebody is, goes where its workload, plan or run is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from allowlist.azure.connection import Connection, SignIn
from allowlist.cli.main import COMMANDS, main
from allowlist.errors import AllowlistError, PlanRefused
from allowlist.plan.model import Plan
from allowlist.workflow.review_session import Access, ReviewSession
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, Result, allowlist
from tests.helpers.shared import REPOSITORY
from tests.helpers.two_clouds import HOSTS, Clouds, two_clouds

HOME = "11111111-1111-1111-1111-11111111aaaa"
PARTNER = "22222222-2222-2222-2222-22222222bbbb"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)
SIGNED_IN = ("--credential", "client-secret")
PLACED = ("--cloud", "usgov", "--tenant", PARTNER)


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clouds]:
    monkeypatch.chdir(tmp_path)
    text = FIREWALL_ONLY.read_text()
    Path("allowlist.yaml").write_text(text.replace("cloud: public", f"cloud: usgov\ntenant: {PARTNER}"))
    with two_clouds(tmp_path) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("ALLOWLIST_ARM_ENDPOINT", raising=False)
        monkeypatch.setenv("AZURE_TENANT_ID", HOME)
        monkeypatch.setenv("AZURE_CLIENT_ID", "33333333-3333-3333-3333-33333333cccc")
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "secret")
        yield running


def test_no_command_asks_another_cloud_or_tenant_or_signs_in_twice(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = set(commands_that_connect())
    for name, *arguments in working_day():
        clouds.asked.clear()
        result = review(monkeypatch) if name == "review" else allowlist(*name.split(), *arguments, *SIGNED_IN)

        said = f"{name}: {clouds.asked} {result.err}"
        assert clouds.asked, said
        assert clouds.hosts() <= set(HOSTS["usgov"]), said
        assert clouds.sign_in_tenants() <= {PARTNER}, said
        assert clouds.tokens() == 1, said
        left.discard(name)
    assert not left, "each command with --credential belongs into the working day"


def working_day() -> Iterator[tuple[str, ...]]:
    yield ("check",)
    yield "plan", "-o", "plan.json"
    yield "explain", "download.pytorch.org", "--from", "10.40.0.4"
    Path("traffic.json").write_text("{}\n")
    yield "evidence", "traffic.json"
    yield ("simplify",)
    yield ("posture",)
    yield "snapshot", "-o", "state"
    yield (
        "init",
        "--subscription",
        SUBSCRIPTION,
        "--name",
        "x",
        "--catalog",
        "vscode",
        "--source",
        "10.0.0.0/8",
        "-o",
        "new.yaml",
        *PLACED,
    )
    yield "catalog live", WORKSPACE, *PLACED
    yield "catalog show", "foundry-hub", "--seen", "https://logs.blob.core.usgovcloudapi.net/a/b", *PLACED
    yield ("review",)
    yield "reject", "plan.json", "--all", "--reason", "not yet"
    yield "approve", "plan.json", "--all", "--reason", "ticket"
    yield "apply", "plan.json", "--approved-only"
    (run,) = (row["run"] for row in allowlist("history", "--json").json)
    yield "confirm", run
    yield "watch", run
    yield "rollback", run
    yield "sync", "--plan-only"
    yield "unlock", "nothing", "--reason", "none"
    Path("approval.yaml").write_text(
        "schema: allowlist/approval-policy/v1\napprovers: [alice@contoso.example]\n"
    )
    yield "policy", "approval.yaml", "--keep-for", "w", *PLACED


def review(monkeypatch: pytest.MonkeyPatch) -> Result:
    """The screen's own calls, without a terminal."""

    def sit_down(access: Access) -> int:
        session = ReviewSession(access)
        plan = session.named_plan()
        session.review(plan)
        session.estate(lambda _: None)
        session.close()
        return 0

    module = importlib.import_module("allowlist.cli.review")
    monkeypatch.setattr(module, "show", sit_down)
    return allowlist("review", "plan.json", *SIGNED_IN)


def commands_that_connect(group: click.Group = main, prefix: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands_that_connect(command, f"{prefix}{name} ")
        elif any(option.name == "credential" for option in command.params):
            yield prefix + name


def test_the_walk_sees_every_command() -> None:
    assert {name.split()[0] for name in commands_that_connect()} <= set(COMMANDS)
    assert "check" in set(commands_that_connect())


def test_nothing_but_the_connection_makes_a_client_or_a_credential() -> None:
    for path in (REPOSITORY / "allowlist").rglob("*.py"):
        text = path.read_text()
        if path.name not in ("connection.py", "credential.py", "client.py"):
            assert "make_credential" not in text, path
            assert "ArmClient(" not in text, path


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_a_plan_is_decided_where_it_was_made(clouds: Clouds, command: str) -> None:
    assert allowlist("plan", "--snapshot", CONTOSO, "-o", "plan.json").code == 0

    result = allowlist(command, "plan.json", "--all", "--reason", "x", "--cloud", "public", *SIGNED_IN)

    assert result.code == 1
    assert "contradicts usgov" in result.err
    assert not clouds.asked


def test_a_plan_for_another_cloud_is_not_applied(clouds: Clouds) -> None:
    assert allowlist("plan", "--snapshot", CONTOSO, "-o", "plan.json").code == 0
    Path("allowlist.yaml").write_text(FIREWALL_ONLY.read_text())

    result = allowlist("apply", "plan.json", *SIGNED_IN)

    assert result.code == 1
    assert f"made for cloud usgov, tenant {PARTNER}, but this is cloud public, home tenant" in result.err
    assert not clouds.asked


def _plan(cloud: str, tenant: str = "") -> Plan:
    return Plan(
        schema="allowlist/plan/v1", workload="w", created="", tool="", catalogs={}, targets=(), changes=(),
        cloud=cloud, tenant=tenant,
    )  # fmt: skip


def test_files_of_older_versions_name_no_cloud_and_stay_valid() -> None:
    assert SignIn().to(_plan("usgov"), _plan("")) == Connection(cloud="usgov")
    assert SignIn().to(_plan("")) == Connection(cloud="public")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: SignIn().to(_plan("usgov"), _plan("public")), PlanRefused),
        (lambda: SignIn().to(_plan("usgov", "a"), _plan("usgov", "b")), PlanRefused),
        (lambda: SignIn().to(_plan("usgov", "a"), _plan("usgov")), PlanRefused),
        (lambda: SignIn(tenant="b").to(_plan("usgov", "a")), AllowlistError),
    ],
)
def test_places_that_disagree_are_refused(make: Callable[[], Connection], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
