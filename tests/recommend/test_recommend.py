"""What a workload needs, from its own files: each proposal with the line that asks for it, nothing passed over in silence."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from allowlist.errors import AllowlistError
from allowlist.workflow.recommending.recommend import Recommendation, recommend
from allowlist.workflow.recommending.running import record, signs_of
from allowlist.workflow.recommending.writing import diff_text, proposed_text
from tests.helpers.catalogs import shipped_library
from tests.helpers.cli import allowlist

LIBRARY = shipped_library()
TODAY = dt.date(2026, 11, 28)


def of(folder: Path, **files: str) -> Recommendation:
    """``files`` by name, with ``__`` for a dot and ``_in_`` for a folder."""
    for name, text in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return recommend([folder], LIBRARY, registries={"python_index": "python-index.example"})


def asked(made: Recommendation) -> dict[tuple[str, str], str]:
    return {(use.catalog, use.scenario): use.because[0].place for use in made.uses}


def names(made: Recommendation) -> set[str]:
    return {name for use in made.uses for name in use.names}


def left(made: Recommendation) -> dict[str, str]:
    return {item.text: item.place for item in made.unplaced}


REQUIREMENTS = "# ours\nazure-ai-ml==1.35.2\nlangchain-openai>=1.0  # chat\nwandb==0.30.1\nno-such-thing\n"


def test_packages_bring_the_names_they_were_seen_to_ask_for(tmp_path: Path) -> None:
    made = of(tmp_path, requirements__txt=REQUIREMENTS)

    assert asked(made)["azure-clients", "azure-ai-ml"] == "requirements.txt:2"
    assert asked(made)["ai-frameworks", "langchain-openai"] == "requirements.txt:3"
    assert {"eastus.api.azureml.ms", "openaipublic.blob.core.windows.net", "api.wandb.ai"} <= names(made)
    assert "api.forge.coreweave.com" not in names(made)
    assert made.parameters == {"python_index": "python-index.example"}


def test_what_nobody_knows_is_told_with_its_line(tmp_path: Path) -> None:
    assert left(of(tmp_path, requirements__txt=REQUIREMENTS)) == {"no-such-thing": "requirements.txt:5"}


def test_telemetry_is_to_be_refused_and_never_asked_for(tmp_path: Path) -> None:
    made = of(tmp_path, requirements__txt="onnxruntime==1.32.0\n")

    (refusal,) = made.refuse
    assert refusal.answer.entry.value == "mobile.events.data.microsoft.com"
    assert refusal.answer.client.switch.startswith("ORT_DISABLE_TELEMETRY=1")
    assert refusal.answer.entry.value not in names(made)


@pytest.mark.parametrize(
    ("name", "text", "use", "place"),
    [
        ("pyproject__toml", '[project]\nname = "x"\ndependencies = [\n  "azure-cosmos==4.17.1",\n]\n', ("cosmos-db", ""), "pyproject.toml:4"),
        ("uv__lock", '[[package]]\nname = "azure-cosmos"\nversion = "4.17.1"\n', ("cosmos-db", ""), "uv.lock:2"),
        ("package__json", '{"dependencies": {\n "@azure/identity": "^4.13.1"}}', ("azure-clients", "npm-azure-identity"), "package.json:2"),
        ("environment__yml", "dependencies:\n  - python=3.12\n  - pip:\n    - tiktoken==0.14.0\n", ("ai-frameworks", "tiktoken"), "environment.yml:4"),
        ("Dockerfile", "FROM nvcr.io/nim/x:1\nRUN pip install datasets==5.2.0\n", ("nvidia", ""), "Dockerfile:1"),
        ("compose__yaml", "services:\n  a:\n    image: ghcr.io/contoso/a:1\n", ("github", "runner"), "compose.yaml:3"),
        ("main__tf", 'resource "azurerm_container_app_environment" "e" {\n}\n', ("azure-container-apps", ""), "main.tf:1"),
        ("main__bicep", "resource s 'Microsoft.Search/searchServices@2024-06-01' = {\n}\n", ("azure-ai-search", ""), "main.bicep:1"),
        ("template__json", '{"resources": [\n {"type": "Microsoft.ContainerService/managedClusters"}]}', ("aks", ""), "template.json:2"),
        ("app__csproj", '<Project>\n<PackageReference Include="Azure.Identity" Version="1.14.2" />\n</Project>', ("entra-and-arm", ""), "app.csproj:2"),
        ("app__py", "import os\nfrom azure.ai.projects import AIProjectClient\n", ("azure-clients", "azure-ai-projects"), "app.py:2"),
        ("run__sh", "#!/bin/sh\naz login --identity\n", ("azure-cli", ""), "run.sh:2"),
        ("values__yaml", "image: crcontoso.azurecr.io/app:1\n", ("azure-container-registry", ""), "values.yaml:1"),
        ("mcp__json", '{"mcpServers": {"a": {"command": "npx",\n "args": ["-y", "@azure/playwright@1.1.6"]}}}', ("azure-clients", "npm-azure-playwright"), "mcp.json:2"),
        ("denied__jsonl", '{"Fqdn": "crl.microsoft.com", "DestinationPort": 80, "Action": "Deny"}\n', ("api-management", ""), "denied.jsonl:1"),
    ],
)  # fmt: skip
def test_each_kind_of_file_asks_with_its_line(
    tmp_path: Path, name: str, text: str, use: tuple[str, str], place: str
) -> None:
    found = {
        (item.catalog, item.scenario): {sign.place for sign in item.because}
        for item in of(tmp_path, **{name: text}).uses
    }

    assert place in found[use]


def test_a_notebook_is_read_cell_by_cell(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["see https://api.partner.example.com"]},
        {"cell_type": "code", "source": ["%pip install tiktoken==0.14.0\n", "x = 1\n"]},
    ]
    made = of(tmp_path, a__ipynb=json.dumps({"cells": cells}))

    assert asked(made)["ai-frameworks", "tiktoken"] == "a.ipynb#cell2:1"
    assert made.own == []


def test_hosts_give_the_values_of_parameters(tmp_path: Path) -> None:
    text = "URL = 'https://crcontoso.azurecr.io/v2'\nC = 'AccountEndpoint=https://shop.documents.azure.com:443/;'\n"
    made = of(tmp_path, app__py=text)

    assert made.parameters == {"registry": "crcontoso", "cosmos": "shop"}


def test_a_connection_string_asks_for_its_own_stamp_although_others_send_usage_data_there(
    tmp_path: Path,
) -> None:
    text = "K=InstrumentationKey=0;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/\n"

    assert of(tmp_path, a__env=text).parameters["stamp"] == "westeurope-5"


def test_a_host_that_is_put_together_still_says_which_service_it_is(tmp_path: Path) -> None:
    made = of(tmp_path, app__py="u = f'https://{name}.openai.azure.com/openai'\n")

    assert ("azure-ai-services", "") in asked(made)
    assert made.parameters == {}


def test_names_that_stand_for_others_are_told_and_give_no_value(tmp_path: Path) -> None:
    made = of(tmp_path, app__py="u = 'https://your-resource.openai.azure.com'\n")

    assert left(made) == {"your-resource.openai.azure.com": "app.py:1"}
    assert made.parameters == {}


def test_of_an_api_only_its_servers_are_called(tmp_path: Path) -> None:
    api = {
        "openapi": "3.0.0",
        "info": {"description": "see https://pages.partner.net"},
        "servers": [{"url": "https://api.partner.net/v1"}],
    }

    assert [own.name for own in of(tmp_path, api__json=json.dumps(api, indent=1)).own] == ["api.partner.net"]


def test_a_host_in_no_catalog_is_a_requirement_of_ones_own(tmp_path: Path) -> None:
    (own,) = of(tmp_path, app__py="get('https://api.partner.net:8443/x')\n").own

    assert (own.name, own.port, own.because[0].place) == ("api.partner.net", "https:8443", "app.py:1")


def test_tests_docs_and_comments_only_mention(tmp_path: Path) -> None:
    made = of(
        tmp_path,
        tests_in_app__py="get('https://api.partner.net')\n",
        app__py="# see https://api.other.net\n",
    )

    assert [(own.name, own.confidence.value) for own in made.own] == [("api.partner.net", "mentioned")]


@pytest.mark.parametrize("text", ["{", "[project\n", "\x00"])
def test_a_file_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path, text: str) -> None:
    made = of(tmp_path, pyproject__toml=text, requirements__txt="tiktoken\n")

    assert ("ai-frameworks", "tiktoken") in asked(made)
    assert any("pyproject.toml" in place for place in left(made).values())


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AllowlistError, match="is not there"):
        recommend([tmp_path / "none"], LIBRARY)


WORKLOAD = """\
# our workload
schema: allowlist/workload/v1
name: research  # ours
catalogs:
  - name: ai-frameworks
    version: 1.0.0
    scenarios: [openai]
parameters:
  registry: other
"""


def test_a_workload_file_is_extended_and_keeps_what_people_wrote(tmp_path: Path) -> None:
    file = tmp_path / "allowlist.yaml"
    file.write_text(WORKLOAD, "utf-8")
    made = of(
        tmp_path / "src",
        requirements__txt="langchain-openai\n",
        app__py="u = 'https://crcontoso.azurecr.io'\n",
    )

    before, after = proposed_text(made, file, TODAY)

    assert before == WORKLOAD
    assert "scenarios: [openai, langchain-openai]" in after
    assert "registry: other" in after
    assert all(comment in after for comment in ("# our workload", "# ours"))
    assert "+  # app.py:1: host crcontoso.azurecr.io" in diff_text(before, after, file)


def test_written_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    file = tmp_path / "allowlist.yaml"
    made = of(tmp_path / "src", requirements__txt=REQUIREMENTS, app__py="u = 'https://api.partner.net'\n")
    _, first = proposed_text(made, file, TODAY)
    file.write_text(first, "utf-8")

    before, again = proposed_text(made, file, TODAY)

    assert again == before


def test_the_command_writes_a_workload_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("tiktoken==0.14.0\n", "utf-8")
    file = tmp_path / "allowlist.yaml"

    answer = allowlist("recommend", tmp_path, "--workload", file, "--write", "--json")

    assert answer.code == 0
    assert answer.json["schema"] == "allowlist/recommend/v1"
    assert answer.json["catalogs"][0]["because"][0]["line"] == 1
    from allowlist.workflow.workloads import read_workload

    assert "ai-frameworks" in {use.name for use in read_workload(file)[0].catalogs}


ASKING = """
import socket, os
host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
with socket.create_connection((host, int(port))) as link:
    link.sendall(b"CONNECT eastus.api.azureml.ms:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print(link.recv(100).split()[1].decode())
"""


def test_a_program_is_run_with_everything_closed_and_its_names_are_placed() -> None:
    recorded = record([sys.executable, "-c", ASKING], is_open=False, timeout=60, isolate=False)
    made = recommend([], LIBRARY, signs_of(recorded))

    (request,) = recorded.requests
    assert (request.name, request.port, request.let_through, recorded.code) == (
        "eastus.api.azureml.ms",
        443,
        False,
        0,
    )
    assert "eastus.api.azureml.ms" in names(made)
    assert "behind a proxy (closed)" in recorded.summary
    assert "may get out" in recorded.summary


def test_a_program_that_cannot_be_run_is_an_error() -> None:
    with pytest.raises(AllowlistError, match="cannot be run"):
        record(["/no/such/program"], is_open=False, timeout=5)
