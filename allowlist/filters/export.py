"""Write a list for an engine, read it back by the engine's own rules, and prove that both mean the same.

What the engine cannot say exactly is refused. A wider form is written only where that was asked for, and every
such entry comes back with a name that it opens beyond what is wanted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from allowlist.filters.format import Format
from allowlist.filters.lists import Kind, Lists, Service, Shape, lists_of
from allowlist.filters.sizes import Size, sizes_of
from allowlist.names import NameSet, ancestors
from allowlist.rules.requirement import Requirement

__all__ = ["Export", "LeftOut", "Widening", "differences_between", "export"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something wanted that the engine cannot say; ``origins`` are who wants it."""

    what: str
    why: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Widening:
    """An entry written wider than wanted: ``witness`` is a name that passes and that nobody asked for."""

    service: str
    wanted: str
    written: str
    witness: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The files, and whether they mean exactly what is wanted.

    ``wrong`` holds differences that nobody asked for, each with a witness: a defect of the format, never written.
    """

    files: dict[str, str]
    entries: int
    left_out: tuple[LeftOut, ...]
    widenings: tuple[Widening, ...]
    wrong: tuple[str, ...]
    sizes: tuple[Size, ...] = ()

    @property
    def is_exact(self) -> bool:
        return not (self.left_out or self.widenings or self.wrong)


def export(engine: Format, requirements: Iterable[Requirement], title: str) -> Export:
    """``title`` goes into each file as its first comment."""
    lists, nameless = lists_of(requirements)
    left_out = [_nameless(item) for item in nameless]
    lists, unseen = lists.seen_by(engine.sees)
    left_out += _unseen(engine, unseen)
    lists, widenings, unsayable = _sayable(engine, lists)
    left_out += unsayable
    files = engine.write(lists, title)
    return Export(
        files=files,
        entries=sum(len(shapes) for _, shapes in lists),
        left_out=tuple(left_out),
        widenings=tuple(widenings),
        wrong=tuple(differences_between(engine, files, lists)),
        sizes=sizes_of(engine.name, files, lists),
    )


def _nameless(item: Requirement) -> LeftOut:
    kind = "service tag" if item.service_tag else "FQDN tag"
    return LeftOut(
        f"{kind} {item.destination} {item.protocol}:{item.ports[0]}",
        f"a {kind} exists in Azure only; other filters know names",
        (str(item.origin),),
    )


def _unseen(engine: Format, lists: Lists) -> list[LeftOut]:
    return [
        LeftOut(f"{pattern} {service}", f"{engine.title} sees no names of {service.protocol}", origins)
        for service, patterns in lists.services.items()
        for pattern, origins in patterns.items()
    ]


def _sayable(engine: Format, lists: Lists) -> tuple[Lists, list[Widening], list[LeftOut]]:
    """The lists in shapes the engine has: wider where it has to be, without what no shape can say."""
    services: dict[Service, dict[str, tuple[str, ...]]] = {}
    widenings: list[Widening] = []
    unsayable: list[LeftOut] = []
    for service, shapes in lists:
        patterns = services.setdefault(service, {})
        wanted = _Wanted(lists.services[service])
        for shape, origins in shapes:
            written = _written_as(engine, shape)
            if written is None:
                why = f"{engine.title} cannot say '{shape.kind}'"
                unsayable.append(LeftOut(f"{shape.patterns[-1]} {service}", why, origins))
                continue
            patterns.update(dict.fromkeys(written.patterns, origins))
            witness = wanted.beyond(written.patterns) if written != shape else None
            if witness is not None:
                widenings.append(
                    Widening(
                        str(service), shape.patterns[-1], " and ".join(written.patterns), witness, origins
                    )
                )
        if not patterns:
            del services[service]
    return Lists(services), widenings, unsayable


class _Wanted:
    """What is wanted, by the patterns that cover it: of two patterns that share a name one covers the other."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = set(patterns)
        self._below: dict[str, list[str]] = defaultdict(list)
        for text in self._patterns:
            for wider in ancestors(text):
                self._below[wider].append(text)

    def beyond(self, written: Iterable[str]) -> str | None:
        """A name that ``written`` lets through and nobody wants."""
        near = {
            text
            for pattern in written
            for text in (*self._below.get(pattern, ()), *(self._patterns & set(ancestors(pattern))))
        }
        return (NameSet(written) - NameSet(near)).witness()


def _written_as(engine: Format, shape: Shape) -> Shape | None:
    while shape.kind not in engine.says:
        wider: Kind | None = engine.widens.get(shape.kind)
        if wider is None:
            return None
        shape = Shape(wider, shape.name)
    return shape


def differences_between(engine: Format, files: dict[str, str], lists: Lists) -> list[str]:
    """Where the files, read as the engine reads them, differ from the lists."""
    imported = engine.read(files)
    wrong = [str(trouble) for trouble in imported.troubles]
    wrong += [
        f"{line.place}: depends on {line.scope.doubts[0]}" for line in imported.lines if line.scope.doubts
    ]
    wanted = lists.meaning
    for service in sorted({*wanted, *imported.services}):
        ours, theirs = wanted.get(service, NameSet()), imported.allowed_at(service)
        for text, difference in (("lacks", ours - theirs), ("also opens", theirs - ours)):
            witness = difference.witness()
            if witness is not None:
                wrong.append(f"{service}: the file {text} {witness}")
    return wrong
