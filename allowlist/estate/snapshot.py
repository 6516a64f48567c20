"""Read actual state from disk, or what a template would make of it: any folder or file of ARM JSON.

What is understood is told in :mod:`allowlist.estate.forms`, how it is decoded in :mod:`allowlist.estate.json_files`.
A file that is not whole is refused, never read as empty; what is announced and not there is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from allowlist.errors import InvalidInput, Problem
from allowlist.estate.bodies import Body, Estate, fingerprint
from allowlist.estate.foreign import ForeignDocument
from allowlist.estate.forms import SCHEMA, Parameters, Template, Terraform, items_in
from allowlist.estate.json_files import JsonFile, files_below
from allowlist.estate.parents import alone_or_unknown
from allowlist.estate.parts import without_nulls
from allowlist.estate.resource_id import normal_id
from allowlist.estate.shapes import in_arm_shape, with_children
from allowlist.estate.sources import MODULES, inputs_in, rule_lists_in
from allowlist.estate.unread import Unread, announced, perhaps
from allowlist.estate.unreadable import Unreadable

if TYPE_CHECKING:
    from allowlist.estate.parameter_files import ParameterFile
    from allowlist.estate.terraform.read import TerraformReading

__all__ = ["EMPTY", "SCHEMA", "UNREADABLE", "read_snapshot"]

UNREADABLE = "unreadable.json"
"""The file of a snapshot that says what could not be read."""
EMPTY = "empty-lists.json"
"""The file of a snapshot that says which lists below resources were read and held nothing."""
_BY_AZURE = (
    "let Azure work it out, and give its answer: az deployment group what-if --no-pretty-print "
    "--result-format FullResourcePayloads --template-file TEMPLATE -g GROUP > what-if.json"
)


@dataclass(slots=True)
class _Snapshot:
    """What was found so far; ``places`` says in which file each body was."""

    bodies: dict[str, Body] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    templates: list[tuple[JsonFile, Template]] = field(default_factory=list)
    parameters: list[ParameterFile] = field(default_factory=list)
    terraform: list[tuple[TerraformReading, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)

    def refuse(self, error: InvalidInput) -> None:
        self.problems += error.problems
        self.hints += [error.hint] if error.hint else []

    def add(self, body: Body, file: str) -> None:
        """Raises InvalidInput where the same resource was read elsewhere with other contents."""
        key = normal_id(body["id"])
        known = self.bodies.setdefault(key, body)
        place = self.places.setdefault(key, file)
        if known is not body and fingerprint(_contents(known)) != fingerprint(_contents(body)):
            raise InvalidInput.of(
                file,
                f"and {place} hold {body['id']} with different contents",
                hint="keep the one that counts; which of them is in force is not known",
            )


def _contents(body: Body) -> Body:
    return {"properties": body.get("properties"), "kind": body.get("kind")}


def read_snapshot(
    path: Path,
    *,
    cloud: str = "public",
    subscription: str = "",
    beneath: Estate | None = None,
    parent: str = "",
) -> Estate:
    """Everything at or below ``path``; ``-`` is standard input. Raises InvalidInput with every file's mistake.

    ``cloud`` is where templates would be deployed, ``subscription`` where a plan of Terraform goes that does not say so.
    A plan is put over ``beneath``, the state before it, where one is given: it shows only what Terraform manages.
    ``parent`` is the id of what a list without ids belongs to.
    """
    found = _Snapshot()
    for file in inputs_in(path):
        _take(file, found, subscription, parent, alone=not path.is_dir())
    for mapping in rule_lists_in(path):
        _take_rule_list(mapping, found)
    _take_sources(path, found)
    _read_templates(found, cloud)
    planned = _put_together(found, beneath)
    if found.problems:
        raise InvalidInput(found.problems, hint="; ".join(dict.fromkeys(found.hints)))
    return replace(_estate(found, path, parent), planned=planned)


def _put_together(found: _Snapshot, beneath: Estate | None) -> bool:
    """What Terraform shows, by itself or over what was there; true for a plan."""
    if not found.terraform:
        return False
    from allowlist.estate.terraform.merge import merged, missing_parents, with_parts

    planned = any(reading.is_plan for reading, _ in found.terraform)
    if planned and beneath is not None:
        found.bodies = {**beneath.resources, **found.bodies}
        found.unreadable = [*map(str, beneath.unreadable), *found.unreadable]
    for reading, file in found.terraform:
        if planned and beneath is not None:
            found.bodies = merged(found.bodies, _shaped(reading, file))
        else:
            _add_terraform(found, _shaped(reading, file), file)
    for reading, _ in found.terraform:
        found.bodies = with_parts(found.bodies, reading)
    for body in list(missing_parents(found.bodies)):
        found.bodies.setdefault(normal_id(body["id"]), body)
    return planned


def _shaped(reading: TerraformReading, file: str) -> TerraformReading:
    return replace(reading, bodies={key: in_arm_shape(body, file) for key, body in reading.bodies.items()})


def _add_terraform(found: _Snapshot, reading: TerraformReading, file: str) -> None:
    for body in reading.bodies.values():
        try:
            found.add(body, file)
        except InvalidInput as error:
            found.refuse(error)


def _take_rule_list(mapping: Path, found: _Snapshot) -> None:
    from allowlist.estate.rule_lists import read_rule_list

    try:
        for body in read_rule_list(mapping):
            found.add(body, str(mapping))
    except InvalidInput as error:
        found.refuse(error)


def _take(
    file: JsonFile | InvalidInput, found: _Snapshot, subscription: str, parent: str, *, alone: bool
) -> None:
    if isinstance(file, InvalidInput):
        found.refuse(file)
        return
    try:
        for item in items_in(file, parent):
            if isinstance(item, Template):
                found.templates.append((file, item))
            elif isinstance(item, Parameters):
                from allowlist.estate.parameter_files import ParameterFile

                found.parameters.append(ParameterFile.of(file.path, item.data))
            elif isinstance(item, Unread):
                found.unread.append(item)
                found.unreadable.append(f"{item.what} in {file.path.name}")
            elif isinstance(item, Terraform):
                _take_terraform(item, file, found, subscription)
            else:
                found.add(in_arm_shape(item, str(file)), str(file))
        found.unreadable += _unreadable_in(file)
        found.empty |= _empty_in(file)
    except InvalidInput as error:
        if alone or not isinstance(error, ForeignDocument):
            found.refuse(error)


def _take_terraform(item: Terraform, file: JsonFile, found: _Snapshot, subscription: str) -> None:
    from allowlist.estate.terraform.read import read_terraform

    reading = read_terraform(item.data, str(file), subscription)
    reading.unread += [Unread(name, str(file), everywhere=True) for name in item.data.get(MODULES) or ()]
    found.terraform.append((reading, str(file)))
    found.unread += reading.unread
    found.unreadable += [*reading.notes, *(f"{one.what} in {file.path.name}" for one in reading.unread)]


def _take_sources(path: Path, found: _Snapshot) -> None:
    """Parameter files of Bicep are not read: what they give is unknown, unless they were compiled as well."""
    for source in files_below(path, (".bicepparam",)) if found.templates and path.is_dir() else ():
        from allowlist.estate.parameter_files import read_bicep_parameters

        given = read_bicep_parameters(source)
        if not any(given.values.keys() <= other.values.keys() for other in found.parameters):
            found.parameters.append(given)
            found.unreadable.append(f"{source.name} (az bicep build-params --file {source.name})")


def _unreadable_in(file: JsonFile) -> list[str]:
    """What a snapshot of ours says it could not read."""
    if file.path.name != UNREADABLE or not isinstance(file.data, dict):
        return []
    told = file.data.get("unreadable", [])
    return [str(item) for item in told] if isinstance(told, list) else [f"what {UNREADABLE} speaks of"]


def _empty_in(file: JsonFile) -> set[str]:
    """The lists that a snapshot of ours says it read and found nothing in."""
    if file.path.name != EMPTY or not isinstance(file.data, dict):
        return set()
    told = file.data.get("empty", [])
    return {normal_id(item) for item in told if isinstance(item, str)} if isinstance(told, list) else set()


def _read_templates(found: _Snapshot, cloud: str) -> None:
    for file, template in found.templates:
        try:
            for body in _template_bodies(file, template, found, cloud):
                whole = {"properties": {}, **without_nulls(body)}
                found.add(in_arm_shape(whole, str(file)), str(file))
        except InvalidInput as error:
            found.refuse(error)


def _template_bodies(file: JsonFile, template: Template, found: _Snapshot, cloud: str) -> Iterable[Body]:
    from allowlist.estate.template.budget import TooMuch
    from allowlist.estate.template.read import read_template

    declared = template.data.get("parameters")
    from allowlist.estate.parameter_files import values_for

    values = values_for(
        file.path, declared if isinstance(declared, dict) else {}, found.parameters, len(found.templates)
    )
    found.unreadable += values.notes
    try:
        reading = read_template(template.data, str(file), {**values.given, **template.values}, cloud=cloud)
    except TooMuch as error:
        raise InvalidInput.of(
            file.path,
            f"is not worked out: {error}",
            line=file.line_of(error.near),
            column=1 if error.near else 0,
            hint=_BY_AZURE,
        ) from None
    found.unread += reading.unread
    found.unreadable += [f"{item.what} in {Path(item.file).name}" for item in reading.unread]
    return reading.bodies.values()


def _estate(found: _Snapshot, path: Path, parent: str) -> Estate:
    bodies = with_children(found.bodies)
    places = {key: found.places.get(key, "") for key in bodies}
    for body in [*announced(bodies), *perhaps(bodies, places, found.unread)]:
        bodies.setdefault(normal_id(body["id"]), body)
    if parent:
        alone_or_unknown(bodies)
    return Estate(
        with_children(bodies),
        str(path),
        unreadable=tuple(map(Unreadable.parse, dict.fromkeys(found.unreadable))),
        empty=frozenset(found.empty),
    )
