"""Which parameter files belong to a template, and what they say.

People call them ``main.parameters.json``, ``main.prod.parameters.json``, ``params.prod.json``, ``main.param.json``.
A file that names the template is its own; any other one is where the parameters it gives are the template's. Where
several files, or a file and a default, say different things, the value is unknown: nobody said which is deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowlist.documents.source import read_text
from allowlist.estate.template.form import is_expression
from allowlist.estate.template.values import Unknown


@dataclass(frozen=True, slots=True)
class ParameterFile:
    path: Path
    values: Mapping[str, Any]
    uses: str = ""
    """The template it names itself, without ending."""

    @classmethod
    def of(cls, path: Path, data: Mapping[str, Any]) -> ParameterFile:
        listed = data.get("parameters")
        items = listed.items() if isinstance(listed, Mapping) else ()
        return cls(path, {str(name).lower(): _value(str(name), item) for name, item in items})

    def is_named_after(self, template: Path) -> bool:
        stem = template.name.lower().partition(".")[0]
        near = self.path.parent == template.parent
        return near and (self.path.name.lower().startswith(f"{stem}.") or self.uses.lower() == stem)


_GIVEN = re.compile(r"^[ \t]*param[ \t]+(\w+)[ \t]*=", re.MULTILINE)
_USING = re.compile(r"^[ \t]*using[ \t]+'(?:[^'\n]*/)?([^'/\n]+?)\.\w+'", re.MULTILINE)
_LONGEST = 4 * 1024 * 1024


def read_bicep_parameters(path: Path) -> ParameterFile:
    """Which parameters a ``.bicepparam`` file gives; what it gives them is not read, so it is unknown."""
    text = read_text(path, _LONGEST)
    using = _USING.search(text)
    given = {name.lower(): Unknown(f"parameters('{name}')", name) for name in _GIVEN.findall(text)}
    return ParameterFile(path, given, using[1] if using else "")


def _value(name: str, item: Any) -> Any:
    """A reference to a vault, or anything that is no plain value, is unknown."""
    if not isinstance(item, Mapping) or "value" not in item or is_expression(item["value"]):
        return Unknown(f"parameters('{name}')", name)
    return item["value"]


@dataclass(frozen=True, slots=True)
class Values:
    """What a template is given; ``notes`` are for the person who asked."""

    given: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def values_for(
    template: Path, declared: Mapping[str, Any], files: Iterable[ParameterFile], templates: int
) -> Values:
    """The values for ``template`` among ``templates`` of them."""
    names = {str(name).lower() for name in declared}
    own = [file for file in files if file.is_named_after(template)]
    fitting = own or [file for file in files if file.values.keys() & names]
    if not fitting:
        return Values({})
    certain = len(fitting) == 1 and (bool(own) or templates == 1) and fitting[0].values.keys() <= names
    if certain:
        return Values(fitting[0].values)
    return _undecided(template, declared, fitting)


def _undecided(template: Path, declared: Mapping[str, Any], files: list[ParameterFile]) -> Values:
    given: dict[str, Any] = {}
    for name, item in declared.items():
        key = str(name).lower()
        said = [file.values[key] for file in files if key in file.values]
        default = [item["defaultValue"]] if isinstance(item, Mapping) and "defaultValue" in item else []
        options = said if len(said) == len(files) > 1 else [*said, *default]
        if said and (len(said) + len(default) == 1 or any(option != options[0] for option in options)):
            given[key] = Unknown(f"parameters('{name}')", str(name))
        elif said:
            given[key] = said[0]
    names = ", ".join(sorted(file.path.name for file in files))
    return Values(
        given, (f"{template.name}: which of these parameter files is deployed is not known: {names}",)
    )
