"""A filter that is read and never written: what its files let through, and what in them is not what it seems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from allowlist.documents import digest_of
from allowlist.documents.reader import near_miss
from allowlist.errors import InvalidInput, PlanRefused
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.forms import FILTERS
from allowlist.filters.format import Format
from allowlist.filters.imported import Imported, Line, Place, Scope, Trouble, TroubleKind
from allowlist.filters.lists import ANY_SERVICE, Service
from allowlist.filters.registry import FORMATS
from allowlist.filters.ruleset import Sight, idle_lines, ruleset_of, sight_of
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, Status
from allowlist.plan.model import Operation
from allowlist.points.filter.files import read_files
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.unmet import Unmet
from allowlist.points.verdict import Judgement, Word, refined
from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

_WEB: Final = Service("https", 443, 443)


class FilterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``format``: one of ``allowlist export --list``. ``services``: what its lists are for (``https:443``), where they
    do not say so. ``addresses``: under which a proxy goes on to the next filter of a path."""

    format: str = ""
    services: list[str] = []
    addresses: list[str] = []


class Filter(Point):
    options_type = FilterOptions
    api_version = ""

    @property
    def options(self) -> FilterOptions:
        known = FilterOptions.__struct_fields__
        return msgspec.convert(
            {key: value for key, value in self.target.options.items() if key in known}, FilterOptions
        )

    @property
    def format(self) -> Format:
        return FORMATS[self.options.format]

    @property
    def sight(self) -> Sight:
        return sight_of(self.format.sees(_WEB))

    @property
    def id(self) -> str:
        return id_of(self.target.resource)

    def read(self, arm: ArmReader) -> list[Body]:
        """Its files, from this machine whatever else is read from Azure."""
        del arm
        return [self.body_at(Path(self.target.folder, self.target.resource))]

    def body_at(self, path: Path) -> Body:
        """Raises InvalidInput where the files cannot be read."""
        files = [{"name": name, "text": text} for name, text in read_files(path).items()]
        return {"id": self.id, "name": self.name, "properties": {"files": files}}

    def imported(self, estate: Estate) -> Imported:
        """The statements of the files. Raises InvalidInput where the estate lacks them or they cannot be parsed."""
        body = self._body(estate)
        key = (id(body), self.options.format, tuple(self.options.services))
        known: tuple[Body, Imported] | None = estate.derived.get(key)
        if known is None:
            known = estate.derived[key] = (body, self._imported(_texts_of(body)))
        return known[1]

    def _body(self, estate: Estate) -> Body:
        body = estate.get(self.id)
        if body is None:
            raise InvalidInput.of(estate.origin or "estate", f"lacks the files of {self.target.resource}")
        return body

    def _imported(self, files: dict[str, str]) -> Imported:
        found = self.format.read(files)
        if self.options.services:
            services = tuple(map(parse_service, self.options.services))
            found.lines = [_for_services(line, services) for line in found.lines]
        if not found.loads:
            first = next(item for item in found.troubles if item.kind in NOT_LOADING)
            place = Place(first.entry, first.file, first.line)
            scope = Scope(
                place=place,
                doubts=(f"'{first.entry}' in {first.file}, with which the engine does not start",),
            )
            found.lines = [Line(False, scope), Line(True, scope), *found.lines]
        return found

    def ruleset(self, estate: Estate) -> Ruleset:
        return ruleset_of(self.imported(estate), self.name, self.sight)

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        del estate
        return [self._refined(item, finding) for item, finding in findings]

    def _refined(self, item: Requirement, finding: Finding) -> Finding:
        """What this filter does not look at is not denied by it: it takes another way, which is not known here."""
        if finding.status in (Status.COVERED, Status.BLOCKED):
            return finding
        if not item.pattern:
            text = f"{self.format.title} knows names, and {item.destination} is none"
        elif self.format.sees(Service(item.protocol, *item.ports)) is None:
            text = f"{self.format.title} sees no names of {item.protocol}; the flow takes another way"
        else:
            return msgspec.structs.replace(finding, remedy=self._remedy) if finding.remedy else finding
        return refined(finding, Judgement(word=Word.UNKNOWN, text=text, reason="not_seen_by_filter"))

    @property
    def _remedy(self) -> str:
        return f"allowlist export --to {self.format.name} -o FOLDER"

    def states(self, estate: Estate) -> list[Finding]:
        found = self.imported(estate)
        return [
            *(self._trouble(item) for item in dict.fromkeys(found.troubles)),
            *(self._idle(line, hiding) for line, hiding in idle_lines(found, self.sight)),
        ]

    @property
    def goes_on_as(self) -> AddressSet | None:
        """A proxy opens connections of its own."""
        return (
            AddressSet.parse(self.options.addresses)
            if self.options.addresses or self.format.reconnects
            else None
        )

    def looks_at(self, protocol: str, pattern: str) -> bool:
        return bool(pattern) and self.format.sees(Service(protocol)) is not None

    def notes(self, estate: Estate) -> tuple[str, ...]:
        del estate
        match self.sight:
            case Sight.NAME:
                text = "knows names only: what resolves may be reached on every port, by every client that asks it"
            case Sight.ADDRESS:
                text = "opens addresses behind names: other hosts on the same address pass as well"
            case _:
                return ()
        return (f"{self.name}: {self.format.title} {text}",)

    def _trouble(self, item: Trouble) -> Finding:
        status, severity, code = _SHOWN[item.kind]
        return Finding(
            status=status,
            target=self.name,
            severity=severity,
            rule=f"{self.name}/{item.file}/{Place(item.entry, item.file, item.line)}",
            because=f"{item.kind}: {item.why}",
            code=code,
        )

    def _idle(self, line: Line, hiding: Line) -> Finding:
        """An entry that an earlier one hides: harmless where both say the same, a trap where they do not."""
        trap = line.allows != hiding.allows
        return Finding(
            status=Status.INVALID if trap else Status.REDUNDANT,
            target=self.name,
            severity="warning" if trap else "info",
            rule=f"{self.name}/{line.place.file}/{line.place}",
            because=f"never decides: {hiding.place.file}/{hiding.place} does, which {'allows' if hiding.allows else 'denies'}",
            remedy="move it before what hides it, or drop it",
            code="order_trap" if trap else "hidden_entry",
        )

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        del estate, kept
        why = f"a filter is not written by allowlist; make its files with: {self._remedy}"
        return Draft(inexpressible=tuple((item, why) for item in needed))

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        del estate
        if operations:
            raise PlanRefused(f"{self.name} is a filter, which is read and never written", hint=self._remedy)
        return []

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        del writes
        return estate

    def fingerprint(self, estate: Estate) -> str:
        return digest_of([self.options.format, _texts_of(self._body(estate))])

    def digest(self, estate: Estate, resource: str) -> str:
        del resource
        return self.fingerprint(estate)

    def reread(self, arm: ArmReader, resource: str) -> list[Body]:
        del resource
        return self.read(arm)

    def limits(self, estate: Estate) -> list[LimitFinding]:
        del estate
        return []

    def lock_group(self, estate: Estate) -> str:
        del estate
        return self.id

    def write(self, arm: ArmWriter, write: Write) -> None:
        del arm
        raise PlanRefused(f"{write.resource} is a filter, which is read and never written", hint=self._remedy)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        del arm
        return [Unmet.different(write.resource)]

    @classmethod
    def find_option_faults(cls, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().find_option_faults(options)
        name = options.get("format", "")
        if name not in FORMATS:
            known = f"expected one of {', '.join(FORMATS)}"
            yield "format", f"is {repr(name) if name else 'missing'}, {known}{near_miss(str(name), FORMATS)}"
        for key, parse in (("services", parse_service), ("addresses", _parse_address)):
            for text in options.get(key) or ():
                try:
                    parse(str(text))
                except ValueError as error:
                    yield key, str(error)


NOT_LOADING: Final = (TroubleKind.FATAL, TroubleKind.CONFLICT)
_SHOWN: Final = {
    TroubleKind.FATAL: (Status.INVALID, "error", "does_not_load"),
    TroubleKind.CONFLICT: (Status.INVALID, "error", "does_not_load"),
    TroubleKind.DEAD: (Status.INVALID, "warning", "dead_entry"),
    TroubleKind.HIDES: (Status.INVALID, "warning", "order_trap"),
    TroubleKind.OPAQUE: (Status.UNKNOWN, "warning", "opaque_entry"),
    TroubleKind.UNREAD: (Status.UNKNOWN, "warning", "not_read"),
}


def id_of(resource: str) -> str:
    """The key of a filter's files among the resources of an estate."""
    return FILTERS + resource.strip("/")


def _for_services(line: Line, services: tuple[Service, ...]) -> Line:
    """Lists that say no port are for those that the target names."""
    if line.scope.services != (ANY_SERVICE,):
        return line
    return replace(line, scope=replace(line.scope, services=services))


def parse_service(text: str) -> Service:
    """``https:443`` or ``https:8000-9000``. Raises ValueError."""
    protocol, _, ports = text.partition(":")
    low, _, high = ports.partition("-")
    if protocol not in ("https", "http", "tcp") or not (low.isdecimal() and (high or low).isdecimal()):
        raise ValueError(f"holds '{text}', expected https:443, http:80 or tcp:1000-2000")
    return Service(protocol, int(low), int(high or low))


def _parse_address(text: str) -> AddressSet:
    return AddressSet.parse([text])


def _texts_of(body: Body) -> dict[str, str]:
    """The files that ``body`` holds, by name."""
    return {str(file["name"]): str(file["text"]) for file in body["properties"]["files"]}
