"""Kinds met in ten public repositories that nobody had looked at before: what is called, and what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.workflow.recommending.placing import names_of, resources_of
from allowlist.workflow.recommending.recommend import Recommendation, recommend
from allowlist.workflow.recommending.telling import recommend_lines
from tests.helpers.catalogs import shipped_library

REGISTRIES = {"npm_registry": "npm-registry.example.com.au", "debian_packages": "debian-packages.mirror.net"}


def of(folder: Path, name: str, text: str, registries: dict[str, str] | None = None) -> Recommendation:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return recommend([folder], shipped_library(), (), registries)


def told(made: Recommendation) -> set[str]:
    """Every host that is proposed, as its own or with a catalog."""
    return {own.name for own in made.own} | {name for use in made.uses for name in use.names}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("app.py", 'p = provider(c, "https://cognitiveservices.azure.com/.default")\n', id="scope"),
        pytest.param("app.py", 's = "https://ossrdbms-aad.database.windows.net/.default"\n', id="scope-of-database"),
        pytest.param("app.ts", "const scope = 'https://dynamicsessions.io//.default';\n", id="scope-two-slashes"),
        pytest.param("a.bicep", "allowedOrigins: [ 'https://portal.azure.com', 'https://ms.portal.azure.com' ]\n", id="origins"),
        pytest.param(
            "a.bicep", "  allowedOrigins: [\n 'https://ml.azure.com'\n 'https://ai.azure.com'\n ]\n", id="origins-over-lines"
        ),
        pytest.param("a.tf", 'allowed_origins = ["https://portal.azure.com"]\n', id="origins-terraform"),
        pytest.param(".prettierrc.json", '{"$schema": "https://json.schemastore.org/prettierrc"}\n', id="schema"),
        pytest.param("swa.json", '{"$schema": "https://aka.ms/azure/static-web-apps-cli/schema"}\n', id="schema-elsewhere"),
        pytest.param("k.yaml", "server: https://kubernetes.default.svc\n", id="cluster-service"),
        pytest.param("k.yaml", "ingressClassName: webapprouting.kubernetes.azure.com\n", id="label"),
        pytest.param("run.sh", "curl https://foundry_name.openai.azure.com/x\n", id="no-host-has-an-underline"),
        pytest.param("app.py", 'u = "https://yourstorageaccount.blob.core.windows.net"\n', id="stands-for"),
        pytest.param("app.py", 'u = "http://x.x.x.x/y"\n', id="address-of-letters"),
    ],
)  # fmt: skip
def test_what_is_not_called_is_not_asked_for(tmp_path: Path, name: str, text: str) -> None:
    assert told(of(tmp_path, name, text)) == set()


def test_a_host_after_a_list_of_origins_counts_again(tmp_path: Path) -> None:
    text = "allowedOrigins: [\n 'https://ml.azure.com'\n]\nurl: 'https://api.partner.net'\n"

    (own,) = of(tmp_path, "a.bicep", text).own

    assert (own.name, own.because[0].line) == ("api.partner.net", 4)


def test_a_requirement_from_git_is_no_package_called_git(tmp_path: Path) -> None:
    made = of(
        tmp_path,
        "requirements.txt",
        "git+https://github.com/o/r/#egg=x\nname @ https://files.partner.net/n.whl\n",
    )

    packages = {sign.value for use in made.uses for sign in use.because if sign.what == "package"}
    assert "git" not in packages
    assert {"github.com", "files.partner.net"} <= told(made)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "RUN pip install fastapi 2>&1 | tee log\n"),
        ("mcp.json", '{"servers": {"x": {"command": "uvx", "args": ["--from", ".", "x"]}}}'),
    ],
)
def test_redirections_and_folders_are_no_packages(tmp_path: Path, name: str, text: str) -> None:
    made = of(tmp_path, name, text)

    packages = {sign.value for use in made.uses for sign in use.because}
    assert packages <= {"fastapi", "tee"} - {"tee"}


def test_a_host_with_a_hole_gives_no_parameter_a_part_of_the_hole(tmp_path: Path) -> None:
    made = of(tmp_path, "main.bicep", "output e string = 'https://${n}.documents.azure.com:443/'\n")

    assert made.parameters == {}


@pytest.mark.parametrize("host", ["bus.servicebus.windows.net", "www.microsoft.com"])
def test_a_host_that_only_a_pattern_of_another_service_lets_through_is_ones_own(
    tmp_path: Path, host: str
) -> None:
    made = of(tmp_path, "app.py", f'u = "https://{host}/"\n')

    assert [own.name for own in made.own] == [host]
    assert made.uses == []


def test_packages_of_npm_and_the_distribution_come_from_the_hosts_this_machine_knows(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"react": "18.2.0"}}', "utf-8")

    made = of(tmp_path, "Dockerfile", "RUN apt-get update && apt-get install -y curl\n", REGISTRIES)

    assert {(own.name, own.port) for own in made.own} == {
        ("npm-registry.example.com.au", "https:443"),
        ("debian-packages.mirror.net", "http:80"),
    }


def test_where_no_client_says_the_registry_it_is_asked_for(tmp_path: Path) -> None:
    made = of(tmp_path, "a.csproj", '<PackageReference Include="Azure.Identity" Version="1.13.2" />\n')

    assert any(item.text == "packages of NuGet" and "name it" in item.because for item in made.unplaced)


def test_channels_of_conda_are_hosts_and_only_its_pip_list_asks_for_the_python_index(tmp_path: Path) -> None:
    text = "channels:\n  - conda-forge\n  - defaults\ndependencies:\n  - numpy=1.26\n"
    plain = of(tmp_path / "a", "environment.yml", text)
    pip = of(tmp_path / "b", "environment.yml", f"{text}  - pip:\n    - azure-ai-ml==1.35.0\n")

    assert {"conda.anaconda.org", "repo.anaconda.com"} <= told(plain)
    asking = [
        sign.value
        for use in plain.uses
        if use.catalog == "python-packages"
        for sign in use.because
        if sign.what == "package"
    ]
    assert asking == []
    assert "azure-ai-ml" in {sign.value for use in pip.uses for sign in use.because}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("avm:web/static-site", ()),
        ("Microsoft.Web/staticSites", ()),
        ("avm:cognitive-services/account", (("azure-ai-services", ""),)),
        ("avm:container-registry/registry", (("azure-container-registry", ""),)),
        ("avm:document-db/database-account", (("cosmos-db", ""),)),
        ("azurerm_monitor_data_collection_rule", ()),
        ("azurerm_federated_identity_credential", ()),
        ("Microsoft.Insights/dataCollectionRules", ()),
        ("azurerm_postgresql_flexible_server", None),
    ],
)
def test_types_of_resources_are_what_they_are(
    value: str, expected: tuple[tuple[str, str], ...] | None
) -> None:
    assert resources_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Microsoft.DBforPostgreSQL/flexibleServers", "NAME.postgres.database.azure.com tcp:5432"),
        ("azurerm_servicebus_namespace", "NAME.servicebus.windows.net tcp:5671"),
        ("Microsoft.Nobody/knows", ""),
    ],
)
def test_a_type_without_a_catalog_still_says_how_it_is_reached(value: str, expected: str) -> None:
    assert names_of(value) == expected


def test_the_agent_framework_is_no_bot(tmp_path: Path) -> None:
    made = of(tmp_path, "a.csproj", '<PackageReference Include="Microsoft.Agents.AI" Version="1.0.0" />\n')

    assert "bot-service" not in {use.catalog for use in made.uses}


def test_the_scenario_that_speaks_already_takes_a_shared_name(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("openai==2.0.0\n", "utf-8")

    made = of(tmp_path, "app.py", 'u = "https://api.openai.com/v1"\n')

    scenarios = {
        use.scenario for use in made.uses if use.catalog == "ai-frameworks" and "api.openai.com" in use.names
    }
    assert scenarios == {"openai"}


def test_many_things_that_could_not_be_placed_for_one_reason_stand_in_one_line(tmp_path: Path) -> None:
    made = of(tmp_path, "requirements.txt", "".join(f"unheard-of-{number}\n" for number in range(9)))

    lines = [line for line in recommend_lines(made) if "nobody has run this package" in line]
    assert len(made.unplaced) == 9
    assert lines[0].startswith("  ? 9 × nobody has run this package")
    assert "unheard-of-8" in lines[0]


def test_a_version_that_nobody_ran_is_proposed_and_told(tmp_path: Path) -> None:
    made = of(tmp_path, "requirements.txt", "openai==1.0.1\n")

    assert "api.openai.com" in told(made)
    (note,) = (item for item in made.unplaced if item.text == "openai 1.0.1")
    assert "in this version it may ask for other names" in note.because


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("SB=Endpoint=sb://bus-prod.servicebus.windows.net/;SharedAccessKey=y\n", "bus-prod.servicebus.windows.net", "tcp:5671"),
        ("SQL=Server=tcp:sql-prod.database.windows.net,1433;Database=d\n", "sql-prod.database.windows.net", "mssql:1433"),
        ("R=cache-prod.redis.cache.windows.net:6380,password=x,ssl=True\n", "cache-prod.redis.cache.windows.net", "tcp:6380"),
        ("PG=postgresql://u:p@pg-prod.postgres.database.azure.com/d\n", "pg-prod.postgres.database.azure.com", "tcp:5432"),
        ("PG=postgresql+asyncpg://u:p@db.partner.net:6432/d\n", "db.partner.net", "tcp:6432"),
    ],
)  # fmt: skip
def test_connection_strings_give_the_host_and_the_port_that_is_connected_to(
    tmp_path: Path, text: str, name: str, port: str
) -> None:
    (own,) = of(tmp_path, ".env", text).own

    assert (own.name, own.port.rpartition(":")[2]) == (name, port.rpartition(":")[2])


def test_the_end_of_names_in_a_connection_string_is_no_name(tmp_path: Path) -> None:
    made = of(
        tmp_path,
        ".env",
        "S=DefaultEndpointsProtocol=https;AccountName=stprod01;AccountKey=a;EndpointSuffix=core.windows.net\n",
    )

    assert told(made) == {"stprod01.blob.core.windows.net"}


def test_a_password_in_an_address_is_never_shown(tmp_path: Path) -> None:
    made = of(tmp_path, ".env", "PG=postgresql://u:hunter2@pg-${ENV}.postgres.database.azure.com/d\n")

    assert "hunter2" not in "\n".join(recommend_lines(made))


def test_an_account_of_cosmos_is_not_cut_into_account_and_region(tmp_path: Path) -> None:
    made = of(tmp_path, ".env", "C=AccountEndpoint=https://cos-prod.documents.azure.com:443/;AccountKey=z\n")

    assert made.parameters == {"cosmos": "cos-prod"}


def test_an_agent_with_tools_asks_for_what_tools_need_and_for_their_servers(tmp_path: Path) -> None:
    text = "kind: AzureAgent\ntools:\n  - {type: bing_grounding}\n  - type: mcp\n    server_url: https://learn.microsoft.com/api/mcp\n"

    made = of(tmp_path, "agent.yaml", text)

    assert ("foundry-agents", "tools") in {(use.catalog, use.scenario) for use in made.uses}
    assert "learn.microsoft.com" in told(made)


def test_images_of_a_chart_are_told_by_registry_and_repository(tmp_path: Path) -> None:
    text = 'image: {repository: ghcr.io/contoso/agent, tag: "1"}\nsidecar:\n  image:\n    registry: nvcr.io\n    repository: nim/x\n'

    assert {"ghcr.io", "nvcr.io"} <= told(of(tmp_path, "values.yaml", text))


def test_a_model_in_the_settings_is_taken_from_the_hub(tmp_path: Path) -> None:
    made = of(tmp_path, ".env", "MODEL_ID=microsoft/phi-4\n")

    assert "hugging-face" in {use.catalog for use in made.uses}
