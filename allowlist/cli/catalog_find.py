"""``allowlist catalog find``: who wants this host, and which catalog speaks of this word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from allowlist.cli import completing
from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.common import exit_code_option, parse_pair
from allowlist.cli.console import put
from allowlist.cli.exits import Exit
from allowlist.documents.source import in_utf8, read_standard_input
from allowlist.errors import AllowlistError


@click.command()
@click.argument("texts", metavar="HOST|URL|WORD…", nargs=-1)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=completing.placeholders,
    help="What a placeholder stands for (repeatable).",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME[==VERSION]",
    shell_complete=completing.packages,
    help="What a package asks for when it runs, and what of it may be refused; npm: before those of npm (repeatable).",
)
@click.option("--all", "everything", is_flag=True, help="Show every hit, not only the strongest.")
@FOLDER
@JSON
@exit_code_option
def find(
    texts: tuple[str, ...],
    parameters: tuple[str, ...],
    packages: tuple[str, ...],
    everything: bool,
    folder: Path | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Find the catalogs, scenarios, parameters and entries that allow a host or mention a word.

    A host may come with its port, as a URL, or as a pattern such as *.contoso.com; - reads a list from standard
    input, one a line. With --exit-code it exits 2 when something is in no catalog.

    \b
    Examples:
      allowlist catalog find pytorch.org
      allowlist catalog find https://huggingface.co/models container-registry
      allowlist catalog find - --json < denied-hosts.txt
      allowlist catalog find --package azure-ai-ml==1.35
    """
    from allowlist.catalog.search import Relation, Searcher, parse_asked
    from allowlist.render.catalog_hits import hit_lines, hits_json

    if packages:
        return _of_packages(packages, texts, folder, as_json=as_json, exit_code=exit_code)
    questions = [parse_asked(text) for text in _questions(texts)]
    searcher = Searcher(library(folder), dict(map(parse_pair, parameters)))
    found = [(asked, searcher.find(asked)) for asked in questions]
    if as_json:
        print_json(hits_json(found))
    else:
        for asked, hits in found:
            for line in hit_lines(asked, hits, everything=everything):
                put(line)
    strong = (Relation.ALLOWS, Relation.REFUSE, Relation.DEAD, Relation.MENTIONS)
    missed = any(not any(hit.relation in strong for hit in hits) for _, hits in found)
    return Exit.PENDING if exit_code and missed else Exit.DONE


def _of_packages(
    packages: tuple[str, ...],
    texts: tuple[str, ...],
    folder: Path | None,
    *,
    as_json: bool,
    exit_code: bool,
) -> int:
    from allowlist.catalog.packages import PackageQuery, answers_for, known_packages
    from allowlist.render.packages import package_lines, packages_json

    if texts:
        raise AllowlistError("hosts and packages are two questions", hint="ask for them one after the other")
    catalogs = library(folder)
    found = [(query, answers_for(catalogs, query)) for query in map(PackageQuery.parse, packages)]
    if as_json:
        print_json(packages_json(found))
    else:
        for query, answers in found:
            for line in package_lines(query, answers, known_packages(catalogs)):
                put(line)
    return Exit.PENDING if exit_code and any(not answers for _, answers in found) else Exit.DONE


def _questions(texts: tuple[str, ...]) -> list[str]:
    """Raises AllowlistError when nothing is asked for."""
    found = [
        line for text in texts for line in (_lines_of_stdin() if text == "-" else [text]) if line.strip()
    ]
    if not found:
        raise AllowlistError(
            "find what?", hint="give hosts, URLs or words, or - for a list of them on standard input"
        )
    return list(dict.fromkeys(found))


def _lines_of_stdin() -> Iterator[str]:
    """One question a line; what follows a # is a remark. Raises InvalidInput with the line of what is no text."""
    for line in in_utf8(read_standard_input(), "standard input").splitlines():
        yield line.split("#", 1)[0].strip()
