"""Put proposals into a workload file: a new one, or an existing one with everything else as it was."""

from __future__ import annotations

import difflib
import io
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from allowlist.documents.round_trip import round_trip
from allowlist.documents.source import parse_yaml_source, read_text
from allowlist.errors import AllowlistError
from allowlist.workflow.recommending.recommend import Own, Recommendation, Use
from allowlist.workflow.recommending.signs import Confidence

_TAKEN: Final = (Confidence.DECLARED, Confidence.USED)
_EXPIRES_DAYS: Final = 90


def proposed_text(made: Recommendation, path: Path, today: date) -> tuple[str, str]:
    """``(before, after)`` of the workload file. What is only mentioned is left to a person.

    Raises InvalidInput where the file is no workload that can be read.
    """
    before = read_text(path) if path.exists() else ""
    document: Any
    if before:
        parse_yaml_source(before, str(path))
        document = round_trip().load(before)
        if not isinstance(document, dict):
            raise AllowlistError(f"{path} holds no workload", hint="write one with: allowlist init")
    else:
        document = round_trip().load(_new(path))
    _add_catalogs(document, [use for use in made.uses if use.confidence in _TAKEN])
    _add_parameters(document, made)
    _add_own(document, [own for own in made.own if own.confidence in _TAKEN], today)
    stream = io.StringIO()
    round_trip().dump(document, stream)
    return before, stream.getvalue()


def diff_text(before: str, after: str, path: Path) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path.name}", f"b/{path.name}"
    )
    return "".join(lines)


def _new(path: Path) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", path.absolute().parent.name.lower()).strip("-._") or "workload"
    return f"""\
# Proposed by allowlist recommend. Every firewall policy that can be seen is a target until allowlist init names yours.
schema: allowlist/workload/v1
name: {name}
catalogs: []
discover:
  - {{name: firewalls, surface: firewall-policy, delete: add-only}}
"""


def _add_catalogs(document: Any, uses: list[Use]) -> None:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    catalogs = document.setdefault("catalogs", CommentedSeq())
    if not catalogs:
        catalogs = document["catalogs"] = CommentedSeq()
    by_name = {item.get("name"): item for item in catalogs}
    for use in uses:
        item = by_name.get(use.catalog)
        if item is None:
            item = CommentedMap(name=use.catalog, version=use.version)
            catalogs.append(item)
            by_name[use.catalog] = item
            first = use.because[0]
            catalogs.yaml_set_comment_before_after_key(
                len(catalogs) - 1, before=f"{first.place}: {first.what} {first.value}", indent=2
            )
            item["scenarios"] = CommentedSeq([use.scenario] if use.scenario else [])
            item["scenarios"].fa.set_flow_style()
            if not use.scenario:
                del item["scenarios"]
        elif use.scenario and use.scenario not in item.get("scenarios", []):
            _add_scenario(item, use.scenario, had_defaults="scenarios" not in item)
        if use.need != "required" and use.need not in item.get("needs", ["required"]):
            needs = CommentedSeq([*item.get("needs", ["required"]), use.need])
            needs.fa.set_flow_style()
            item["needs"] = needs


def _add_scenario(item: Any, scenario: str, *, had_defaults: bool) -> None:
    """A list of scenarios takes the place of the default ones, so these are written out when the list is begun."""
    from ruamel.yaml.comments import CommentedSeq

    from allowlist.catalog import load_library

    known = load_library().catalogs.get(item["name"])
    begun = list(known.default_scenarios) if had_defaults and known else []
    scenarios = CommentedSeq([*item.get("scenarios", begun), scenario])
    scenarios.fa.set_flow_style()
    item["scenarios"] = scenarios


def _add_parameters(document: Any, made: Recommendation) -> None:
    from ruamel.yaml.comments import CommentedMap

    if not made.parameters:
        return
    parameters = document.setdefault("parameters", CommentedMap())
    for name, value in sorted(made.parameters.items()):
        parameters.setdefault(name, value)


def _add_own(document: Any, own: list[Own], today: date) -> None:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if not own:
        return
    requirements = document.setdefault("requirements", CommentedSeq())
    known = {item.get("pattern") for item in requirements}
    for item in own:
        if item.name in known:
            continue
        ports = CommentedSeq([item.port])
        ports.fa.set_flow_style()
        first = item.because[0]
        requirements.append(
            CommentedMap(
                id=re.sub(r"[^a-z0-9]+", "-", item.name).strip("-")[:60],
                pattern=item.name,
                ports=ports,
                owner="nobody yet",
                reason=f"{first.place}: {first.what} {first.value}",
                expires=(today + timedelta(days=_EXPIRES_DAYS)).isoformat(),
            )
        )
