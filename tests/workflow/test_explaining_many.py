"""What is said of many flows at once is what is said of each of them alone."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.workflow.explaining import Explainer, FlowLine, explanation_json
from allowlist.workflow.explaining_many import answers
from allowlist.workflow.flow_files import FlowFile, Toward
from allowlist.workflow.project import load_project, read_estate
from tests.bench.estates import write_estate
from tests.bench.workload import make
from tests.helpers.laws import among, examples


@pytest.fixture(scope="module")
def explainer(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    place = write_estate(tmp_path_factory.mktemp("many") / "S", "S")
    project = load_project(place.workload, now=dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
    specs = project.targets()
    return Explainer(project, read_estate(project, specs, place.before), specs)


REQUIRED = json.loads(make("S").required)
HOSTS = [name.replace("*.", "some.").replace("*", "look") for name, *_ in REQUIRED]
ADDRESSES = [f"10.{high}.{low}.7" for high in (0, 5, 100, 195) for low in (0, 1, 16, 240)]


_NAMES = st.sampled_from(HOSTS) | st.sampled_from(["other.example", "huggingface.co", ""])


@st.composite
def lines(draw: Any) -> FlowLine:
    protocol, port = draw(among(("https", 443), ("http", 80), ("https", 9443), ("tcp", 443)))
    name = draw(_NAMES)
    return FlowLine(
        source=draw(among(*ADDRESSES, "10.1.0.10/32", "192.0.2.1")),
        fqdn=name.upper() if draw(st.integers(0, 9)) == 0 else name,
        port=port,
        protocol=protocol,
        host=draw(among(None, None, None, "other.example")),
        destination="" if name else "20.0.0.1",
    )


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(lines(), min_size=1, max_size=30))
def test_many_flows_get_the_answers_that_each_gets_alone(explainer: Explainer, asked: list[FlowLine]) -> None:
    alone = [
        msgspec.json.encode(explanation_json(answer)).decode()
        for line in asked
        for answer in explainer.explain(line, explainer.targets[0])
    ]
    towards = {line: Toward(msgspec.structs.replace(line, source="")) for line in asked}
    block = [(line.source, towards[line]) for line in asked]
    together = list(answers(explainer, [block, block]))

    assert [block.lines for block in together] == [alone, alone]
    assert together[0].allowed is all('"verdict":"allow"' in text for text in alone)


def _flow(number: int) -> dict[str, Any]:
    return {"source": f"10.0.{number >> 8 & 255}.{number & 255}", "fqdn": f"h{number % 97}.example"}


def test_a_file_longer_than_a_block_is_read_whole_and_in_order(tmp_path: Path) -> None:
    flows = [_flow(number) for number in range(30_000)]
    (tmp_path / "flows.jsonl").write_text("\n\n".join(map(json.dumps, flows)) + "\n")
    (tmp_path / "flows.csv").write_text(
        "fqdn,source\n" + "".join(f"{flow['fqdn']},{flow['source']}\n" for flow in flows)
    )

    for name in ("flows.jsonl", "flows.csv"):
        file = FlowFile.read(tmp_path / name)

        assert [(line.source, line.fqdn) for line in file] == [
            (flow["source"], flow["fqdn"]) for flow in flows
        ]
        assert list(file.names) == [f"h{number}.example" for number in range(97)]
        assert len(list(file.blocks())) > 1


_VALUES = st.text(max_size=6) | st.sampled_from(
    ['"source":"10.0.0.9"', "\\", '", "source": "10.0.0.8', "10.0.0.7"]
)


@st.composite
def documents(draw: Any) -> str:
    """A flow in any order of its keys and any spacing; what looks like a source may stand in another value."""
    flow = {"source": draw(st.sampled_from([*ADDRESSES, "", "10.0.0.0/32"])), "fqdn": "a.example"}
    flow |= draw(st.dictionaries(st.sampled_from(["path", "protocol", "transport"]), _VALUES, max_size=2))
    keys = draw(st.permutations(sorted(flow)))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(
        {key: flow[key] for key in keys}, separators=separators, ensure_ascii=draw(st.booleans())
    )
    return text.replace("{", draw(st.sampled_from(["{", '{"source":"10.9.9.9",', "{ "])), 1)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(documents(), min_size=1, max_size=6))
def test_a_line_is_read_as_json_reads_it_whatever_stands_around_its_source(texts: list[str]) -> None:
    flows = FlowFile(Path("flows.jsonl"), "\n".join(texts).encode())

    assert list(flows) == [msgspec.json.decode(text, type=FlowLine) for text in texts]
