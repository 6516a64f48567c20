"""``allowlist simplify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import json_option, project_from, project_options, state_from, state_options
from allowlist.cli.console import put_each, put_json, say
from allowlist.cli.counting import Progress
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn


@click.command()
@project_options
@state_options
@json_option
def simplify(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    as_json: bool,
) -> int:
    """Show how the rules of others could say the same with less; each suggestion is proved. Changes nothing.

    \b
    Examples:
      allowlist simplify
      allowlist simplify --snapshot ./state --json
    """
    from allowlist.render.rulesets import suggestion_json, suggestion_text
    from allowlist.rules.simplify import suggest
    from allowlist.workflow.project import read_estate

    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin)
    found = []
    for spec in specs:
        ruleset = project.point(spec).ruleset(estate)
        with Progress(f"looks at rules of {spec.name}", 4 * len(ruleset.application)) as progress:
            told = suggest(ruleset, project.facts, lambda done, _: progress.at(done))
        found += [(spec.name, suggestion) for suggestion in told]
    if as_json:
        put_json([suggestion_json(target, suggestion) for target, suggestion in found])
    else:
        put_each(line for _, suggestion in found for line in suggestion_text(suggestion))
    say(f"{counted(len(found), 'suggestion')}" if found else "nothing to simplify")
    return Exit.DONE
