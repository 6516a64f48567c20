"""Every command that the product prints can be given as it stands: read from its texts, and run in its situation."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from allowlist.cli.main import main
from allowlist.simulator import Simulator, serve
from tests.helpers import hints
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist
from tests.helpers.shared import REPOSITORY

_COMMAND = re.compile(r"(?:^|: |')allowlist ([a-z]+[^;',\n]*)", re.M)
_MENTIONED = re.compile(r"allowlist [a-z]")
_VALUES = {"TEXT": "because", "REASON": "because", "DIR": "folder", "FILE": "file.json", "TIME": "10m"}
_HERE = str(REPOSITORY / "README.md")
_NAMES = ("filled", "simulator")  # the product with its version, and a part of it


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Every string of a module that may be printed: no docstrings, and a value for what is filled in."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(item.value) if isinstance(item, ast.Constant) else "filled" for item in node.values)
            yield node.lineno, "".join(parts)
            docs |= {id(item) for item in node.values}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def printed() -> list[tuple[str, str]]:
    files = [*REPOSITORY.glob("allowlist/**/*.py"), *REPOSITORY.glob("tui/**/*.py")]
    return [
        (f"{file.relative_to(REPOSITORY)}:{line}", found.strip().rstrip("."))
        for file in sorted(files)
        if _MENTIONED.search(source := file.read_text())
        for line, text in texts(source)
        for found in _COMMAND.findall(text)
        if not found.startswith(_NAMES) and not found.partition(" ")[0].endswith(":")
    ]


def test_a_command_in_a_text_is_one_that_the_command_line_takes() -> None:
    """Read from the texts when the test runs: done while tests are collected it costs every worker seconds."""
    found = printed()
    assert len(found) > 50
    assert [why for place, text in found if (why := _why_refused(place, text))] == []


_BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(allowlist [a-z][^`\n]*)`")
_OPENING = ("[", "…", "..", "<", "$")  # a line that shows a form of a command, not a command


def _documented() -> Iterator[tuple[str, str]]:
    """Every command line of README, how-tos, tour, examples and the rest of the site, with where it stands."""
    for page in [
        REPOSITORY / "README.md",
        *REPOSITORY.glob("docs/**/*.md"),
        *REPOSITORY.glob("examples/**/*.md"),
    ]:
        text = page.read_text("utf-8")
        lines = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
        in_blocks = [line.strip().removeprefix("$ ") for line in lines]
        for line in [*_INLINE.findall(text), *in_blocks]:
            command = re.sub(r"\s+(#|\||>|&&).*$", "", line)
            words = command.split()
            is_command = words[:1] == ["allowlist"] and len(words) > 1 and words[1].isalpha()
            if is_command and not any(word.startswith(_OPENING) or word.endswith("…") for word in words):
                yield str(page.relative_to(REPOSITORY)), command.removeprefix("allowlist ")


def test_a_command_on_a_page_is_one_that_the_command_line_takes() -> None:
    found = [item for item in dict.fromkeys(_documented()) if "reference/" not in item[0]]
    assert len(found) > 100
    assert [why for place, text in found if (why := _why_refused(place, text)) and _is_whole(why)] == []


def test_an_option_that_a_how_to_or_the_reference_names_alone_is_one_of_a_command() -> None:
    """``--metrics FILE`` in a sentence stands in no command line, so nothing else reads it."""
    pages = [*REPOSITORY.glob("docs/how-to/*.md"), REPOSITORY / "docs" / "reference.py"]
    found = {
        name for page in pages for name in re.findall(r"`(?:sync )?(--[a-z-]+)", page.read_text("utf-8"))
    }
    assert len(found) > 8
    assert found - set(_options(main, click.Context(main))) == set()


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from (name for parameter in command.params for name in parameter.opts)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            if (known := command.get_command(context, child)) is not None:
                yield from _options(known, click.Context(known, parent=context))


def _is_whole(why: str) -> bool:
    """A page may speak of a command without its arguments or of files that are not here; options and names have to be right."""
    return not any(text in why for text in ("Missing argument", "Missing option", "does not exist."))


def _why_refused(place: str, text: str) -> str:
    words = [_VALUES.get(word, word) for word in shlex.split(text)]
    words = [word.replace("filled", _HERE) for word in words]
    command: click.Command = main
    with click.Context(main) as context:
        while isinstance(command, click.Group):
            found = command.get_command(context, words[0])
            if found is None:
                return f"{place}: there is no command '{words[0]}'"
            command, words = found, words[1:]
        if "--help" in words:
            return ""
        try:
            command.make_context(command.name, words)
        except click.UsageError as error:
            return f"{place}: allowlist {text}: {error.format_message()}"
    return ""


def commands_in(text: str) -> list[list[str]]:
    """The commands that end a line of what was printed, with values for their placeholders."""
    found = re.findall(r"allowlist ([a-z]+ .*)$", text, re.M)
    return [[_VALUES.get(word, word) for word in shlex.split(line)] for line in found]


@pytest.fixture
def azure(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    (workplace / "allowlist.yaml").write_text(FIREWALL_ONLY.read_text())
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        monkeypatch.setenv("ALLOWLIST_ARM_ENDPOINT", running.url)
        monkeypatch.setenv("ALLOWLIST_CREDENTIAL", "none")
        yield simulator


def test_what_is_printed_on_the_way_from_a_plan_to_its_rollback_runs_as_printed(azure: Simulator) -> None:
    planned = allowlist("plan", "-o", "plan.json")
    refused = allowlist("apply", "plan.json")
    assert refused.code == 5
    (approval,) = commands_in(refused.err)
    assert approval in commands_in(planned.err)
    assert allowlist(*approval).code == 0

    applied = allowlist("apply", "plan.json", "--json")
    assert applied.code == 0
    ended = allowlist("apply", "--resume", applied.json["run"])
    assert ended.code == 1
    (story,) = commands_in(ended.err)
    assert allowlist(*story).code == 0
    assert allowlist("rollback", applied.json["run"]).code == 0
    assert azure.requests


def test_printed_commands_carry_the_flags_that_were_given(workplace: Path) -> None:
    (workplace / "my work.yaml").write_text(FIREWALL_ONLY.read_text())
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        ledger = ("--ledger", f"sqlite:///{workplace}/other.db")
        azure = ("--arm-endpoint", running.url, "--credential", "none", "--workload", "my work.yaml")
        planned = allowlist("plan", "-o", "plan.json", *azure, *ledger)
        assert all(set(ledger) < set(command) for command in commands_in(planned.err))

        refused = allowlist("apply", "plan.json", *azure, *ledger)
        (approval,) = commands_in(refused.err)
        assert allowlist(*approval).code == 0
        simulator.inject("PUT:ruleCollectionGroups:operation-fails")
        failed = allowlist("apply", "plan.json", *azure, *ledger)
        assert failed.code != 0, failed.err
        simulator.faults.clear()
        resuming, _, _ = commands_in(failed.err)
        assert allowlist(*resuming).code == 0
        assert allowlist("plan", "--json", *azure, *ledger).json["changes"] == []


def test_documents_and_pages_carry_the_flags_too(workplace: Path) -> None:
    """Whoever reads them copies the command; a plan itself says what it was sealed with."""
    (workplace / "work.yaml").write_text(f"{FIREWALL_ONLY.read_text()}\ngates: {{additions: 1}}\n")
    given = ("--workload", "work.yaml", "--snapshot", str(CONTOSO))
    ledger = f"sqlite:///{workplace}/other.db"

    remedies = [item["remedy"] for item in allowlist("check", "--json", *given).json["findings"]]
    planned = allowlist("plan", "-o", "plan.json", "-o", "plan.html", "--format", "comment", *given, "--ledger", ledger)  # fmt: skip

    gate = f"allowlist approve PLAN --accept growth --reason TEXT --workload work.yaml --ledger {ledger}"
    assert any(remedy.endswith(f"allowlist plan {' '.join(given)}") for remedy in remedies)
    assert gate in planned.out
    assert gate in (workplace / "plan.html").read_text()
    assert "work.yaml" not in (workplace / "plan.json").read_text()


def test_an_edited_plan_is_told_to_be_made_again_in_its_place(workplace: Path) -> None:
    """A plan does not say where its workload file is: it is asked for where it is not in the folder."""
    (workplace / "work.yaml").write_text(FIREWALL_ONLY.read_text())
    planned = allowlist("plan", "-o", "my plan.json", "--workload", "work.yaml", "--snapshot", str(CONTOSO))
    assert planned.code == 0
    file = workplace / "my plan.json"
    file.write_text(file.read_text().replace("huggingface.co", "evil.example", 1))

    told = allowlist("approve", file.name, "--all", "--reason", "x").err
    assert "allowlist plan -o 'my plan.json' --workload WORKLOAD" in told

    (workplace / "work.yaml").rename("allowlist.yaml")
    told = allowlist("approve", file.name, "--all", "--reason", "x").err
    assert told.rstrip().endswith("allowlist plan -o 'my plan.json'")


def test_an_address_with_a_password_is_not_printed_again() -> None:
    told = allowlist("history", "nothing", "--ledger", "postgresql://me:geheim123@127.0.0.1:1/none")
    assert "geheim123" not in told.err


def test_hints_in_logs_carry_the_flags_too(workplace: Path) -> None:
    (workplace / "my work.yaml").write_text(FIREWALL_ONLY.read_text())
    told = allowlist("apply", "plan.json", "--workload", "my work.yaml", "--log-format", "json")
    assert told.code == 1
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        azure = ("--arm-endpoint", running.url, "--credential", "none", "--workload", "my work.yaml")
        allowlist("plan", "-o", "plan.json", *azure)
        refused = allowlist("--log-format", "json", "apply", "plan.json", *azure)
    hint = next(found["hint"] for line in refused.err.splitlines() if "hint" in (found := json.loads(line)))
    (approval, *_) = hints.commands_in(hint)
    assert "--workload 'my work.yaml'" in approval
    assert allowlist(*(_VALUES.get(word, word) for word in shlex.split(approval))).code == 0


def test_the_end_of_a_quoted_text_is_not_taken_for_a_part_of_a_command() -> None:
    assert hints.commands_in('  "remedy": "write it: allowlist export --to squid -o FOLDER"') == [
        "export --to squid -o FOLDER"
    ]
    assert hints.commands_in('next: allowlist approve PLAN --reason "a b"') == ['approve PLAN --reason "a b"']
