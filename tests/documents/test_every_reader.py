"""Every reader of a file ends in words that name it, whatever stands there: nothing is waited for, nothing is a traceback."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allowlist.catalog.contributing import read_log
from allowlist.catalog.reader import read_catalog
from allowlist.catalog.upstream.state import load_state
from allowlist.cli.given import begin
from allowlist.cli.main import main
from allowlist.errors import AllowlistError
from allowlist.estate.rule_lists import read_rule_list
from allowlist.estate.snapshot import read_snapshot
from allowlist.simulator.seed import read_seed
from allowlist.store.anchor import read_anchor
from allowlist.store.approval_file import read_approval
from allowlist.traffic.files import find_files
from allowlist.workflow.approval_policy import read_policy
from allowlist.workflow.exporting import is_plan_file
from allowlist.workflow.facts import read_facts_file
from allowlist.workflow.files import read_plan
from allowlist.workflow.flow_files import FlowFile
from allowlist.workflow.recommending.recommend import recommend
from allowlist.workflow.workloads import read_workload
from allowlist_tui.config import load_settings
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

_MAPPING = """schema: allowlist/rule-list/v1
policy: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p
file: {}
columns: {{name: n, action: act, sources: s, destinations: t, protocols: p}}
"""


def _mapped(file: Path) -> object:
    mapping = file.with_name("list.rules.yaml")
    mapping.write_text(_MAPPING.format(file.name))
    return read_rule_list(mapping)


def _settings(file: Path) -> object:
    return load_settings(file, themes=set(), actions=set())


def _recommended(file: Path) -> object:
    from allowlist.catalog import Library

    return recommend([file], Library(folder="", catalogs={}))


def _logs(file: Path) -> object:
    return find_files([str(file)], file.parent)


Reader = Callable[[Path], object]

DOCUMENTS: dict[str, Reader] = {
    "workload.yaml": read_workload,
    "facts.yaml": read_facts_file,
    "facts.json": read_facts_file,
    "catalog.yaml": read_catalog,
    "policy.yaml": lambda file: read_policy(str(file)),
    "plan.json": read_plan,
    "decisions.json": lambda file: read_approval(file, allowed_signers=None, at=dt.datetime.now(dt.UTC)),
    "flows.csv": FlowFile.read,
    "state.json": read_snapshot,
    "list.rules.yaml": read_snapshot,
    "rows.json": _mapped,
    "rows.xlsx": _mapped,
    "seen.jsonl": lambda file: read_log(file, denied=True),
    "review.yaml": _settings,
    "anchor.json": read_anchor,
    "upstream.json": load_state,
    "seed.json": read_seed,
}
"""Each holds one document of a known form, so that nothing else may stand there."""

TABLES: dict[str, Reader] = {"rows.csv": _mapped, "rows.yaml": _mapped, "flows.jsonl": FlowFile.read}
"""An empty one of these has no rows, which is no mistake of the file."""

LOOKED_AT: dict[str, Reader] = {
    "logs.jsonl": _logs,
    "requirements.txt": _recommended,
    "exported.json": is_plan_file,
}
"""Whatever is in these is told, not refused; a thing that never ends is refused all the same."""


def _pipe(file: Path) -> None:
    os.mkfifo(file)


def _device(file: Path) -> None:
    file.symlink_to("/dev/full")


def _ring(file: Path) -> None:
    file.symlink_to(file.name)


def _folder(file: Path) -> None:
    file.mkdir()


def _missing(file: Path) -> None:
    assert not file.exists()


def _deep(file: Path) -> None:
    file.write_text('{"a":' + "[" * 20_000 + "]" * 20_000 + "}")


def _number(file: Path) -> None:
    file.write_text('{"a":\n' + "9" * 5000 + "}")


def _not_utf8(file: Path) -> None:
    file.write_bytes(b'{"a":\n "\xff\xe4"}')


def _empty(file: Path) -> None:
    file.touch()


ENDLESS = (_pipe, _device)
NO_TEXT = (_ring, _folder, _missing, _deep, _number, _not_utf8)
_MAY_BE_MISSING = {"review.yaml", "anchor.json", "upstream.json"}
_MAY_BE_A_FOLDER = {"state.json", "seed.json", "list.rules.yaml"}
_MAY_BE_BRACKETS = {"rows.csv"}


def _cases() -> Iterator[tuple[str, Reader, Callable[[Path], None]]]:
    for name, reader in (DOCUMENTS | TABLES).items():
        for stand in (*ENDLESS, *NO_TEXT):
            if stand is _missing and name in _MAY_BE_MISSING:
                continue
            if stand is _deep and name in _MAY_BE_BRACKETS:
                continue
            if stand is _folder and name in _MAY_BE_A_FOLDER:
                continue
            yield name, reader, stand
    yield from ((name, reader, _empty) for name, reader in DOCUMENTS.items())
    yield from ((name, reader, stand) for name, reader in LOOKED_AT.items() for stand in ENDLESS)


@pytest.mark.parametrize(
    ("name", "reader", "stand"),
    [pytest.param(*case, id=f"{case[0]}-{case[2].__name__}") for case in _cases()],
)
def test_whatever_stands_where_a_file_is_named_is_refused_by_its_name(
    name: str, reader: Reader, stand: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / name
    stand(file)
    with pytest.raises(AllowlistError) as refused:
        reader(file)
    assert name in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--workload", "FILE", "--snapshot", CONTOSO),
        ("check", "--workload", FIREWALL_ONLY, "--snapshot", "FILE"),
        ("explain", "--workload", FIREWALL_ONLY, "--snapshot", CONTOSO, "--flows", "FILE"),
        ("compare", "FILE", CONTOSO, "--workload", FIREWALL_ONLY),
        ("evidence", "FILE", "--logs-only"),
        ("policy", "FILE"),
        ("recommend", "FILE"),
        ("export", "FILE", "--to", "unbound"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_a_command_ends_by_itself_at_a_pipe_that_nobody_fills(
    arguments: tuple[object, ...], tmp_path: Path
) -> None:
    begin(main)
    file = tmp_path / "pipe.json"
    os.mkfifo(file)
    result = allowlist(*(file if word == "FILE" else word for word in arguments))
    assert result.code == 1
    assert "pipe.json" in result.err
    assert "Traceback" not in result.err
