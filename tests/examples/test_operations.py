"""The examples of how to run it: valid for what reads them, and every command in them is executed on the simulator."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pycep
import pytest
import yaml

from allowlist.observe.metrics import Metrics, RunMeters, TargetMeters
from allowlist.simulator import Running, Simulator, parse_fault, serve
from tests.helpers.cli import Result, allowlist
from tests.helpers.rights import EXAMPLES, used_rights

FLEET = EXAMPLES / "fleet"
PLACEHOLDER = "00000000-0000-0000-0000-"


@pytest.fixture
def azure(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The fleet of the examples on the simulator, its files in the working folder, and the environment of a worker."""
    simulator = Simulator()
    for estate in sorted(FLEET.glob("*/estate")):
        simulator.seed(estate)
    shutil.copytree(FLEET, workplace / "fleet")
    with serve(simulator) as running:
        monkeypatch.setenv("ALLOWLIST_ARM_ENDPOINT", running.url)
        monkeypatch.setenv("ALLOWLIST_CREDENTIAL", "none")
        monkeypatch.setenv("ALLOWLIST_LEDGER", f"sqlite:///{workplace}/ledger.db")
        yield running


def run_as_shown(words: list[str], workplace: Path) -> Result:
    """The command line of an example, with its paths below ``workplace`` and without its sign-in."""
    line = shlex.join(words)
    for shown, here in (
        ("/etc/allowlist/fleet", f"{workplace}/fleet"),
        ("/etc/allowlist", f"{workplace}/fleet"),
        ("/var/lib/allowlist", str(workplace / "state")),
    ):
        line = line.replace(shown, here)
    line = re.sub(r"--credential[ =]\S+", "--credential none", line)
    while True:
        result = allowlist(*shlex.split(line.replace("--metrics-port=9464", f"--metrics-port={free_port()}")))
        if "could not serve metrics on port" not in result.err:  # somebody was faster; nothing was done yet
            return result


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_every_workload_file_is_checked_against_its_state() -> None:
    found = sorted(EXAMPLES.rglob("allowlist.yaml"))
    assert found
    for file in found:
        result = allowlist("check", "--workload", file, "--snapshot", file.parent / "estate", "--json")
        assert result.code == 0, f"{file}\n{result.err}"
        assert result.json["findings"], file


# continuous integration


def schema(name: str) -> Any:
    return json.loads((files("check_jsonschema.builtin_schemas.vendor") / f"{name}.json").read_text("utf-8"))


def workflow(name: str) -> Any:
    # "on" is a boolean in YAML 1.1 and the name of a section here.
    text = (EXAMPLES / "github-actions" / name).read_text()
    return {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}


@pytest.mark.parametrize("name", ["plan.yml", "sync.yml"])
def test_github_workflows_are_valid_and_sign_in_with_oidc_and_few_rights(name: str) -> None:
    found = workflow(name)
    jsonschema.Draft7Validator(schema("github-workflows")).validate(found)
    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        assert job["permissions"]["id-token"] == "write"
        assert job["timeout-minutes"]
        (login,) = [step for step in job["steps"] if str(step.get("uses", "")).startswith("azure/login@")]
        assert set(login["with"]) == {"client-id", "tenant-id", "subscription-id"}
    assert ("pull_request" in found["on"]) is (name == "plan.yml")
    assert ("schedule" in found["on"]) is (name == "sync.yml")


@pytest.mark.parametrize(("name", "step", "made"), [
    ("plan.yml", "Plan", ["plan.json", "comment.md", "allowlist.sarif", "allowlist.xml", "summary.md"]),
    ("sync.yml", "Sync", ["allowlist.xml", "summary.md", "plans/agents.hub-weu.plan.json"]),
])  # fmt: skip
def test_the_scripts_of_github_workflows_run(
    name: str, step: str, made: list[str], azure: Running, workplace: Path
) -> None:
    (job,) = workflow(name)["jobs"].values()
    (script,) = [item["run"] for item in job["steps"] if item.get("name") == step]
    done = bash(script, workplace, GITHUB_STEP_SUMMARY=str(workplace / "summary.md"), WORKLOAD="agents")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^::(notice|warning) ", done.stdout, re.MULTILINE)
    assert all((workplace / file).stat().st_size for file in made)


def test_the_comment_of_a_pull_request_is_found_again(azure: Running, workplace: Path) -> None:
    """The step runs against a stand-in for GitHub's command line that keeps comments in a file."""
    (job,) = workflow("plan.yml")["jobs"].values()
    (script,) = [item["run"] for item in job["steps"] if item.get("name") == "Keep one comment up to date"]
    (workplace / "bin").mkdir()
    gh = workplace / "bin" / "gh"
    gh.write_text(
        "#!/usr/bin/env bash\n"
        'case "$*" in\n'
        '  *--paginate*) [ -f posted ] && head -n 1 posted | grep -qxF "$MARKER" && echo 7; exit 0;;\n'
        "  *--method*POST*) echo post >> calls; cp comment.md posted;;\n"
        "  *--method*PATCH*/7*) echo patch >> calls; cp comment.md posted;;\n"
        "esac\n"
    )
    gh.chmod(0o755)
    for _ in range(2):
        result = allowlist(
            "plan", "--workload", "fleet/agents/allowlist.yaml", "--report", "comment=comment.md"
        )
        assert result.code == 0, result.err
        done = bash(script, workplace, GITHUB_REPOSITORY="contoso/egress", NUMBER="12", GH_TOKEN="x")
        assert done.returncode == 0, done.stderr
    assert (workplace / "calls").read_text().split() == ["post", "patch"]


def bash(script: str, workplace: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a step as a runner would, with the ``allowlist`` of this environment."""
    import os

    binaries = f"{workplace}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=workplace, env={**os.environ, "PATH": binaries, **more}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_azure_pipeline_is_valid_and_its_scripts_run(azure: Running, workplace: Path) -> None:
    # The schema of this language takes every scalar as text.
    text = (EXAMPLES / "azure-devops" / "azure-pipelines.yml").read_text()
    found = yaml.load(text, yaml.BaseLoader)
    jsonschema.Draft7Validator(schema("azure-pipelines")).validate(found)
    steps = [step for stage in found["stages"] for job in stage["jobs"] for step in job["steps"]]
    scripts = [step["inputs"]["inlineScript"] for step in steps if step.get("task") == "AzureCLI@2"]
    assert len(scripts) == 2
    for script in scripts:
        done = bash(script, workplace)
        assert done.returncode == 0, done.stderr
    for file in ("results/agents.xml", "results/sync.xml", "plans/notebooks.json", "summaries/agents.md"):
        assert (workplace / file).stat().st_size


# schedulers


def manifests(name: str) -> list[Any]:
    return [item for item in yaml.safe_load_all((EXAMPLES / "kubernetes" / name).read_text()) if item]


@pytest.mark.parametrize("name", ["cronjob.yaml", "indexed-job.yaml"])
def test_kubernetes_manifests_fit_the_schemas_and_run_without_privileges(name: str) -> None:
    for document in manifests(name):
        for version in ("1.30.0", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(document, version, strict=True)
        pod = pod_of(document)
        if pod is None:
            continue
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounts, volumes = (
            {item["name"] for item in container["volumeMounts"]},
            {item["name"] for item in pod["volumes"]},
        )
        assert mounts == volumes


def pod_of(document: Any) -> Any:
    spec = document.get("spec", {})
    job = spec.get("jobTemplate", {}).get("spec", spec)
    return job.get("template", {}).get("spec")


@pytest.mark.parametrize("name", ["cronjob.yaml", "indexed-job.yaml"])
def test_the_containers_of_kubernetes_run(
    name: str, azure: Running, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (document,) = [item for item in manifests(name) if item["kind"] != "ServiceAccount"]
    (container,) = pod_of(document)["containers"]
    if name == "indexed-job.yaml":
        spec = document["spec"]
        assert spec["completionMode"] == "Indexed"
        assert f"--shard=auto/{spec['completions']}" in container["args"]
        for index in range(spec["completions"]):
            monkeypatch.setenv("JOB_COMPLETION_INDEX", str(index))
            assert run_as_shown(container["args"], workplace).code == 0
    else:
        assert run_as_shown(container["args"], workplace).code == 0
    assert planned(workplace) == {"agents", "notebooks"}


def planned(workplace: Path) -> set[str]:
    """Workloads the ledger has a plan of."""
    from tests.helpers.ledgers import opened

    with opened(f"sqlite:///{workplace}/ledger.db") as ledger:
        return {plan.workload for plan in ledger.plans()}


def test_the_bicep_file_parses_and_its_container_runs(azure: Running, workplace: Path) -> None:
    """No Bicep compiler can be had as a package here; a parser of the language reads it instead."""
    found = pycep.BicepParser().parse(file_path=EXAMPLES / "azure-container-apps-job" / "main.bicep")
    job = found["resources"]["job"]
    assert job["type"] == "Microsoft.App/jobs"
    properties = job["config"]["properties"]
    assert properties["configuration"]["triggerType"] == "Schedule"
    (container,) = properties["template"]["containers"]
    words = [re.sub(r"\$\{.*?\}", "1", str(word)) for word in container["args"]]
    result = run_as_shown(words, workplace)
    assert result.code == 0, result.err
    assert planned(workplace) == {"agents", "notebooks"}
    used = {name for name in found["parameters"] if len(re.findall(rf"\b{name}\b", bicep_text())) > 1}
    assert used == set(found["parameters"])


def bicep_text() -> str:
    return (EXAMPLES / "azure-container-apps-job" / "main.bicep").read_text()


def test_the_systemd_units_are_valid_and_run(azure: Running, workplace: Path) -> None:
    service = (EXAMPLES / "systemd" / "allowlist-sync.service").read_text()
    words = shlex.split(re.search(r"^ExecStart=(.*)$", service, re.MULTILINE).group(1))  # type: ignore[union-attr]
    result = run_as_shown(words[1:], workplace)
    assert result.code == 0, result.err
    assert (workplace / "state" / "allowlist.prom").stat().st_size
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here; the command was run, the units were not verified")
    for unit in sorted((EXAMPLES / "systemd").glob("allowlist-sync.*")):
        here = (
            unit.read_text()
            .replace("/opt/allowlist/bin/allowlist", "/bin/true")
            .replace("Documentation=man:systemd.timer(5)\n", "")
        )
        (workplace / unit.name).write_text(here)
    units = sorted(str(path) for path in workplace.glob("allowlist-sync.*"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "allowlist-sync" in line]
    assert not ours
    timer = re.search(
        r"^OnCalendar=(.*)$", (EXAMPLES / "systemd" / "allowlist-sync.timer").read_text(), re.MULTILINE
    )
    assert timer
    subprocess.run(["systemd-analyze", "calendar", timer.group(1)], capture_output=True, check=True)


def test_cron_runs_it_and_has_nothing_to_mail_while_nothing_is_wrong(azure: Running, workplace: Path) -> None:
    lines = (EXAMPLES / "cron" / "allowlist").read_text().splitlines()
    (job,) = [line for line in lines if line.startswith("*/")]
    assert "%" not in job
    words = shlex.split(job.partition("/bin/allowlist ")[2])
    for file in sorted((workplace / "fleet").rglob("allowlist.yaml")):
        file.write_text(file.read_text().partition("automation:")[0].partition("notifications:")[0])
    first = run_as_shown(words, workplace)
    assert (first.code, first.out, first.err) == (0, "", "")
    azure.simulator.faults.add(parse_fault("GET:firewallPolicies:status=403,code=AuthorizationFailed"))
    second = run_as_shown(words, workplace)
    assert second.code == 1
    assert "was answered 403" in second.err


# rights and image


def test_the_roles_name_exactly_the_actions_that_are_used(workplace: Path) -> None:
    rights = used_rights(workplace)
    assert role("reader")["Actions"] == sorted(rights.reading)
    assert role("applier")["Actions"] == sorted(rights.changing)


@pytest.mark.parametrize("name", ["reader", "applier"])
def test_the_roles_are_custom_narrow_and_made_of_placeholders(name: str) -> None:
    found = role(name)
    assert found["IsCustom"] is True
    assert not found["NotActions"]
    assert not any("*" in action for action in found["Actions"])
    assert all(scope.startswith(f"/subscriptions/{PLACEHOLDER}") for scope in found["AssignableScopes"])
    if name == "reader":
        assert all(action.endswith("/read") for action in found["Actions"])


def role(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "roles" / f"{name}.json").read_text())
    return found


def test_the_image_runs_as_nobody_and_needs_no_shell() -> None:
    """Nothing builds images here, so what the file says is looked at."""
    text = (EXAMPLES / "container" / "Dockerfile").read_text()
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    steps = [line.split(None, 1) for line in lines if line.strip()]
    stages = [index for index, (word, _) in enumerate(steps) if word == "FROM"]
    assert len(stages) == 2
    assert {word for word, _ in steps[: stages[0]]} == {"ARG"}
    assert all(rest.startswith("${") for word, rest in steps if word == "FROM")
    final = steps[stages[1] :]
    assert not [rest for word, rest in final if word in ("RUN", "ADD", "SHELL")]
    assert ["USER", "65532:65532"] in final
    for word, rest in final:
        if word in ("ENTRYPOINT", "CMD"):
            assert isinstance(json.loads(rest), list)
    copied = [rest.split()[:-1] for word, rest in steps[: stages[1]] if word == "COPY"]
    assert all((EXAMPLES.parent / name).exists() for names in copied for name in names)
    (installed,) = re.findall(r"\.\[([a-z,]+)\]", text)
    extras = (EXAMPLES.parent / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    assert all(re.search(rf"^{extra} = ", extras, re.MULTILINE) for extra in installed.split(","))


def test_no_example_names_a_real_subscription_or_secret() -> None:
    for file in sorted(EXAMPLES.rglob("*")):
        if file.is_file():
            text = file.read_text("utf-8")
            for identifier in re.findall(r"/subscriptions/([0-9a-fA-F-]{36})", text):
                assert identifier.startswith(PLACEHOLDER) or len(set(identifier)) == 2, file
            assert "hooks.slack.com" not in text


# what the index says


def test_the_index_names_every_folder_and_every_metric() -> None:
    text = (EXAMPLES / "README.md").read_text()
    for folder in EXAMPLES.iterdir():
        assert folder.is_file() or f"[{folder.name}]({folder.name}/" in text, folder.name
    rows = re.findall(r"^\| `(allowlist_\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert rows == list(_declared_metrics())


def _declared_metrics() -> Iterator[tuple[str, str, str]]:
    """Name, labels and text of every metric, as a run that has something of everything shows them."""
    metrics = Metrics()
    target = TargetMeters(
        workload="w",
        target="t",
        pending=1,
        missing=1,
        concerns=1,
        drifted=1,
        applied=1,
        failed=False,
        seconds=1.0,
    )
    metrics.target(target)
    run = RunMeters(
        finished=1.0,
        seconds=1.0,
        exit_code=0,
        requests={("s", "GET"): 1},
        waited=1.0,
        notifications={("slack", "sent"): 1},
    )
    metrics.run(run, [target])
    for family in metrics.registry.collect():
        sample = family.samples[0]
        yield sample.name, ", ".join(sample.labels) or "–", family.documentation


def test_the_receiver_of_the_index_believes_us_and_nobody_else() -> None:
    from allowlist.notify.webhook import signature

    found: dict[str, Any] = {}
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (EXAMPLES / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    exec(code, found)  # the block is documentation of this repository
    secret, body, moment = "a secret of a good length", b"{}", int(time.time())

    def is_genuine(sent: bytes, at: int) -> bool:
        headers = {
            "webhook-id": "m",
            "webhook-timestamp": str(at),
            "webhook-signature": signature(secret, "m", at, body),
        }
        return bool(found["is_genuine"](secret.encode(), headers, sent))

    assert is_genuine(body, moment)
    assert not is_genuine(b"{ }", moment)
    assert not is_genuine(body, moment - 3600)
