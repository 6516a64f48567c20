"""The index by package: what a program asks for, what of it may be refused, and what silences it."""

from __future__ import annotations

import pytest

from allowlist.catalog import Library
from allowlist.catalog.packages import PackageQuery, answers_for, is_seen_in, package_key
from allowlist.catalog.reach import matches_shape
from allowlist.catalog.search import Hit, Relation, Searcher, parse_asked
from allowlist.render.catalog_hits import hit_lines, workload_lines
from allowlist.render.packages import package_lines
from tests.helpers.catalogs import shipped_library

LIBRARY: Library = shipped_library()
SEARCHER = Searcher(LIBRARY)


def names(text: str, *, refused: bool) -> set[str]:
    answers = answers_for(LIBRARY, PackageQuery.parse(text))
    return {answer.entry.value for answer in answers if bool(answer.entry.refuse) is refused}


def hits(host: str) -> list[Hit]:
    return SEARCHER.find(parse_asked(host))


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("azure-ai-ml==1.35", "azure-ai-ml", "1.35"),
        ("Azure_AI.ML", "azure-ai-ml", ""),
        ("npm:@azure/mcp", "npm:@azure/mcp", ""),
        ("npm:@azure/mcp@2.0.5", "npm:@azure/mcp", "2.0.5"),
        ("npm:next@16.4", "npm:next", "16.4"),
    ],
)
def test_a_package_is_asked_for_as_its_registry_writes_it(text: str, name: str, version: str) -> None:
    assert PackageQuery.parse(text) == PackageQuery(name, version)
    assert package_key(name) == name


@pytest.mark.parametrize(
    ("versions", "version", "fits"),
    [
        ("1.35.2", "1.35", True),
        ("1.35.2", "1.35.9", True),
        ("1.35.2", "1.36", False),
        (">=0.31", "0.31.0", True),
        ("<0.31", "0.31.0", False),
        ("1.35.2", "", None),
        ("", "1.0", None),
    ],
)
def test_a_version_speaks_for_its_siblings_and_a_range_for_what_it_holds(
    versions: str, version: str, fits: bool | None
) -> None:
    assert is_seen_in(versions, version) is fits


def test_a_registry_asks_one_region_whatever_its_own() -> None:
    assert "eastus.api.azureml.ms" in names("azure-ai-ml==1.35", refused=False)


def test_a_host_that_moved_is_answered_by_version() -> None:
    assert names("wandb==0.30.1", refused=False) == {"api.wandb.ai"}
    assert names("wandb==0.31.0", refused=False) == {"api.forge.coreweave.com"}


def test_embeddings_fail_on_a_vocabulary_before_the_model_is_asked() -> None:
    (answer,) = [
        answer
        for answer in answers_for(LIBRARY, PackageQuery("langchain-openai"))
        if answer.entry.value == "openaipublic.blob.core.windows.net"
    ]
    assert answer.entry.need != "optional"
    assert "check_embedding_ctx_length" in answer.client.switch


def test_the_switch_that_works_is_named() -> None:
    lines = "\n".join(package_lines(PackageQuery("npm:@azure/mcp"), answers_for(LIBRARY, PackageQuery("npm:@azure/mcp")), ()))  # fmt: skip

    assert "AZURE_MCP_COLLECT_TELEMETRY_MICROSOFT=false" in lines
    assert "✗ refuse  centralus-2.in.applicationinsights.azure.com" in lines


def test_a_package_nobody_has_run_is_unknown_and_not_silent() -> None:
    (_, line) = package_lines(PackageQuery("no-such-package"), [], ())

    assert "this says nothing about what it asks for" in line


def test_telemetry_is_answered_with_refuse_it_and_the_switch_and_proposes_no_rule() -> None:
    host = "hty0gc1ok3.execute-api.us-east-1.amazonaws.com"
    found = hits(host)

    assert [hit.relation for hit in found] == [Relation.REFUSE]
    assert "set OTEL_SDK_DISABLED=true" in "\n".join(hit_lines(parse_asked(host), found))
    assert workload_lines(found) == []


def test_what_names_the_very_host_comes_before_what_it_falls_under() -> None:
    found = hits("viennaglobal.azurecr.io")

    assert found[0].relation is Relation.DEAD
    assert "dead since 2022" in "\n".join(hit_lines(parse_asked("viennaglobal.azurecr.io"), found))
    assert workload_lines(found) == []


def test_a_stamp_is_no_region() -> None:
    assert matches_shape(
        "{stamp}.in.applicationinsights.azure.com", "eastus2-3.in.applicationinsights.azure.com"
    )
    assert not matches_shape(
        "{region}.in.applicationinsights.azure.com", "eastus2-3.in.applicationinsights.azure.com"
    )
    assert matches_shape(
        "{cosmos}-{accountRegion}.documents.azure.com", "shop-westeurope.documents.azure.com"
    )


def test_nothing_that_is_refused_or_dead_is_ever_asked_for() -> None:
    unwanted = [entry for c in LIBRARY for entry in c.entries if entry.refuse or entry.dead_since]

    assert len(unwanted) > 50
    assert not any(entry.is_egress or entry.consumers for entry in unwanted)
