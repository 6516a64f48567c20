"""From signs to proposals: catalogs with scenarios and parameters, own requirements, names to refuse, and what is left over."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from allowlist.catalog import Library
from allowlist.catalog.model import Kind, Need, parse_port
from allowlist.catalog.packages import (
    PackageAnswer,
    PackageQuery,
    advice_text,
    answers_for,
    package_key,
    packages_in,
)
from allowlist.catalog.search import Asked, Hit, Relation, Searcher
from allowlist.documents.source import refuse_pipes_and_devices
from allowlist.errors import AllowlistError, InvalidInput
from allowlist.workflow.recommending.placing import (
    catalogs_of_package,
    names_of,
    package_of_import,
    resources_of,
)
from allowlist.workflow.recommending.readers import HOLE, reader_for
from allowlist.workflow.recommending.signs import Confidence, Sign, Unplaced, What

SKIPPED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        ".venv",
        "venv",
        "__pycache__",
        ".tox",
        ".mypy_cache",
        ".ruff_cache",
        "dist",
        "build",
        "site-packages",
        ".terraform",
        "bin",
        "obj",
        "vendor",
        ".next",
        "target",
    }
)
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_FILES: Final = 20_000
RUN: Final = "run ("
"""How the place of a name begins that a program asked for when it was run."""
_REGISTRIES: Final = {
    "npm:": ("npm_registry", "packages of npm"),
    "nuget:": ("nuget_index", "packages of NuGet"),
    "apt:": ("debian_packages", "packages of the distribution (apt)"),
}
"""By how a package's name begins: the parameter that clients know, and what is taken from there."""
_UNWANTED: Final = (Relation.REFUSE, Relation.DEAD)
_ASIDE: Final = (
    "test",
    "tests",
    "docs",
    "doc",
    "example",
    "examples",
    "samples",
    "fixtures",
    "snippets",
    "__tests__",
    ".github",
)
_ORDER: Final = list(Confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A catalog with one scenario to ask for (empty: its default ones), and every sign that speaks for it."""

    catalog: str
    version: str
    scenario: str
    need: str
    confidence: Confidence
    because: tuple[Sign, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A host that no catalog knows: a requirement of the workload's own, which somebody has to answer for."""

    name: str
    port: str
    confidence: Confidence
    because: tuple[Sign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A name that a package asks for and nobody needs."""

    package: str
    answer: PackageAnswer
    because: tuple[Sign, ...]


@dataclass(slots=True, kw_only=True)
class Recommendation:
    """All that was found. ``parameters`` are values that hosts and settings show; ``missing`` those nobody knows yet."""

    files: int = 0
    uses: list[Use] = field(default_factory=list)
    own: list[Own] = field(default_factory=list)
    refuse: list[Refusal] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    unplaced: list[Unplaced] = field(default_factory=list)


def recommend(
    paths: Sequence[Path],
    library: Library,
    signs: Iterable[Sign] = (),
    registries: Mapping[str, str] | None = None,
) -> Recommendation:
    """What is read below ``paths``, and ``signs`` known from elsewhere.

    ``registries`` are hosts of package registries by parameter, as the clients of this machine know them. Raises
    AllowlistError for a path that is not there.
    """
    made = Recommendation()
    found: list[Sign] = list(signs)
    for item in _read(paths, made):
        if isinstance(item, Sign):
            found.append(item)
        else:
            made.unplaced.append(item)
    _Placing(library, made, registries or {}).place(found)
    return made


def _read(paths: Sequence[Path], made: Recommendation) -> Iterator[Sign | Unplaced]:
    for root in paths:
        if not root.exists():
            raise AllowlistError(f"{root} is not there", hint="give a folder or a file to read")
        if not root.is_dir():
            refuse_pipes_and_devices(root)
        for path in [root] if root.is_file() else _files(root):
            if made.files >= MOST_FILES:
                yield Unplaced(
                    text=str(root),
                    place=str(root),
                    because=f"has more than {MOST_FILES} files; the rest was not read",
                )
                return
            yield from _read_file(path, root, made)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        yield from (Path(folder) / name for name in sorted(names))


def _read_file(path: Path, root: Path, made: Recommendation) -> Iterator[Sign | Unplaced]:
    reader = reader_for(path.name)
    if reader is None or path.is_symlink():
        return
    shown = str(path.relative_to(root)) if root.is_dir() else path.name
    try:
        if path.stat().st_size > MOST_BYTES:
            yield Unplaced(
                text=shown,
                place=shown,
                because=f"is larger than {MOST_BYTES // 1024 // 1024} MiB and was not read",
            )
            return
        refuse_pipes_and_devices(path)
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        yield Unplaced(text=shown, place=shown, because=f"could not be read: {type(error).__name__}")
        return
    made.files += 1
    is_sample = path.name.lower().endswith((".example", ".sample", ".template", ".dist"))
    aside = is_sample or any(part.lower() in _ASIDE for part in Path(shown).parts)
    for item in reader(text, shown):
        if isinstance(item, Sign) and aside:
            item = Sign(
                **{name: getattr(item, name) for name in Sign.__dataclass_fields__}
                | {"confidence": Confidence.MENTIONED}
            )
        yield item


class _Placing:
    def __init__(self, library: Library, made: Recommendation, registries: Mapping[str, str]) -> None:
        self._registries = {host: name for name, host in registries.items()}
        self._library = library
        self._made = made
        self._searcher = Searcher(library)
        self._known = packages_in(library)
        self._uses: dict[tuple[str, str], list[tuple[Sign, str, str]]] = {}
        self._own: dict[tuple[str, str], list[Sign]] = {}
        self._refuse: dict[tuple[str, str], tuple[PackageAnswer, list[Sign]]] = {}
        self._strange: dict[str, list[Sign]] = {}
        self._refused: set[str] = set()

    def place(self, signs: Sequence[Sign]) -> None:
        # what stands besides hosts says which service a shared host is asked for by
        signs = sorted(signs, key=lambda sign: sign.what in (What.HOST, What.DENIED))
        handlers = {
            What.PACKAGE: self._package,
            What.RESOURCE: self._resource,
            What.IMAGE: self._image,
            What.MODEL: self._model,
            What.TOOL: self._tool,
        }
        for sign in signs:
            handlers.get(sign.what, self._host)(sign)
        self._finish()

    def _package(self, sign: Sign) -> None:
        name = sign.value
        self._registry(name, sign)
        if name == "apt:":
            return
        name = name.removeprefix("conda:")
        is_python = ":" not in sign.value and sign.confidence is Confidence.DECLARED
        if is_python and name != "azure-cli":
            self._use("python-packages", "", sign, "", Need.REQUIRED)
            for parameter in ("python_index", "python_files"):
                if parameter in self._registries.values():
                    host = next(host for host, known in self._registries.items() if known == parameter)
                    self._made.parameters.setdefault(parameter, host)
        if name.startswith("import:"):
            package = package_of_import(name.removeprefix("import:"), frozenset(self._known))
            placed = catalogs_of_package(name)
            if package:
                self._asked(package, sign)
        else:
            package = package_key(name) if package_key(name) in self._known else None
            placed = catalogs_of_package(name)
            if package:
                self._asked(package, sign)
            elif not placed and sign.confidence is Confidence.DECLARED:
                self._strange.setdefault(name, []).append(sign)
        for catalog, scenario in placed:
            self._use(catalog, scenario, sign, "", Need.REQUIRED)

    def _registry(self, name: str, sign: Sign) -> None:
        """Where declared packages of this kind come from: the host the client of this machine has, else a question."""
        kind = next((kind for kind in _REGISTRIES if name.startswith(kind)), "")
        if not kind or sign.confidence is not Confidence.DECLARED:
            return
        parameter, what = _REGISTRIES[kind]
        host = next((host for host, known in self._registries.items() if known == parameter), "")
        if host:
            port = (
                "http:80" if kind == "apt:" else "https:443"
            )  # apt checks signatures and goes over HTTP as it comes
            self._own.setdefault((host, port), []).append(sign)
        else:
            because = "which host your client takes them from is not known here: name it as a requirement of your own"
            self._made.unplaced.append(Unplaced(text=what, place=sign.place, because=because))

    def _asked(self, package: str, sign: Sign) -> None:
        answers = answers_for(self._library, PackageQuery(package, sign.version))
        others = sorted({answer.client.versions for answer in answers if answer.fits is False})
        if others:
            because = (
                f"was run as {', '.join(others)} for the catalogs; in this version it may ask for other names"
            )
            self._made.unplaced.append(
                Unplaced(text=f"{package} {sign.version}", place=sign.place, because=because)
            )
        for answer in answers:
            entry = answer.entry
            if entry.kind is Kind.NOTHING or entry.kind is Kind.ADDRESSES:
                continue
            if entry.refuse or entry.dead_since:
                self._refuse.setdefault((package, entry.value), (answer, []))[1].append(sign)
                self._refused.add(entry.value)
            else:
                self._use(answer.catalog, entry.scenario, sign, entry.value, entry.need)

    def _resource(self, sign: Sign) -> None:
        found = resources_of(sign.value)
        if found is None:
            reached = names_of(sign.value)
            told = f"; whoever connects to one needs {reached}" if reached else ""
            because = f"no catalog speaks of this type of resource{told}"
            self._made.unplaced.append(Unplaced(text=sign.value, place=sign.place, because=because))
        for catalog, scenario in found or ():
            self._use(catalog, scenario, sign, "", Need.REQUIRED)

    def _image(self, sign: Sign) -> None:
        host = sign.value.partition("/")[0]
        if "/" not in sign.value or not ("." in host or ":" in host) or host == "docker.io":
            self._use("docker-hub", "", sign, "registry-1.docker.io", Need.REQUIRED)

    def _tool(self, sign: Sign) -> None:
        self._use("foundry-agents", "tools", sign, "", Need.REQUIRED)

    def _model(self, sign: Sign) -> None:
        self._use("hugging-face", "", sign, sign.value, Need.REQUIRED)

    def _host(self, sign: Sign) -> None:
        if sign.value in self._registries:
            self._value(self._registries[sign.value], sign.value)
            return
        port = parse_port(sign.port) if sign.port else None
        hits = self._searcher.find(Asked(text=sign.value, host=sign.value, port=port))
        wanted = (Relation.ALLOWS, Relation.PORT_DIFFERS)
        allowing = [hit for hit in hits if hit.relation in wanted and hit.entry is not None]
        unwanted = next((hit.entry for hit in hits if hit.relation in _UNWANTED and hit.entry), None)
        is_own = sign.what is What.HOST and sign.line > 0 and not sign.file.startswith(RUN)
        if unwanted and not _by_name(hits) and not (is_own and allowing):
            # a rule for something wider would let through what is better refused
            told = Unplaced(text=sign.value, place=sign.place, because=advice_text(unwanted))
            self._made.unplaced.append(told)
            return
        best = _best(allowing, self._uses.keys())
        if best is None or best.entry is None or self._is_a_stranger(best):
            key = (sign.value, sign.port or "https:443")
            self._own.setdefault(key, []).append(sign)
            return
        self._use(best.catalog, best.entry.scenario, sign, sign.value, best.entry.need)
        for name, value in best.values:
            if HOLE not in sign.value or value not in HOLE:
                self._value(name, value)

    def _is_a_stranger(self, hit: Hit) -> bool:
        """Does only a pattern of some other service happen to let the host through? Then it is one's own."""
        value = hit.entry.value if hit.entry else ""
        speaking = {catalog for catalog, _ in self._uses}
        is_pattern = "*" in value or "{" in value or hit.catalog in _NO_HOME
        return is_pattern and hit.catalog not in _HOMES and hit.catalog not in speaking

    def _value(self, name: str, value: str) -> None:
        if HOLE in value:
            return
        known = [one for one in self._made.parameters.get(name, "").split(", ") if one]
        if value not in known:
            self._made.parameters[name] = ", ".join([*known, value])

    def _use(self, catalog: str, scenario: str, sign: Sign, name: str, need: Need) -> None:
        if catalog in self._library.catalogs:
            found = self._library.get(catalog)
            scenario = "" if scenario in found.default_scenarios else scenario
            self._uses.setdefault((catalog, scenario), []).append((sign, name, str(need)))

    def _finish(self) -> None:
        made = self._made
        for (catalog, scenario), found in self._uses.items():
            signs = _nearest(sign for sign, _, _ in found)
            needs = {need for _, _, need in found}
            latest = self._library.get(catalog)
            made.uses.append(
                Use(
                    catalog=catalog,
                    version=latest.latest if latest.releases else "next",
                    scenario=scenario,
                    need="conditional"
                    if needs == {"conditional"} or "conditional" in needs
                    else "optional"
                    if needs == {"optional"}
                    else "required",
                    confidence=signs[0].confidence,
                    because=signs,
                    names=tuple(dict.fromkeys(name for _, name, _ in found if name)),
                )
            )
        made.uses.sort(key=lambda use: (_ORDER.index(use.confidence), use.catalog, use.scenario))
        made.own = sorted(
            (
                Own(name=name, port=port, confidence=_nearest(signs)[0].confidence, because=_nearest(signs))
                for (name, port), signs in self._own.items()
            ),
            key=lambda own: (_ORDER.index(own.confidence), own.name),
        )
        asked = {catalog for catalog, _ in self._uses}
        made.refuse = [
            Refusal(package=package, answer=answer, because=_nearest(signs))
            for (package, value), (answer, signs) in sorted(self._refuse.items())
            if value != "{python_index}" or "python-packages" not in asked  # packages come from there
        ]
        for name, strange in sorted(self._strange.items()):
            made.unplaced.append(
                Unplaced(
                    text=name,
                    place=strange[0].place,
                    because="nobody has run this package for the catalogs; try recommend --run",
                )
            )
        self._parameters()
        unique: dict[tuple[str, str], list[Unplaced]] = {}
        for item in made.unplaced:
            unique.setdefault((item.text.lower(), item.because), []).append(item)
        made.unplaced = [_once(items) for items in unique.values()]

    def _parameters(self) -> None:
        """What the proposed entries still need a value for."""
        for use in self._made.uses:
            catalog = self._library.get(use.catalog)
            for entry in catalog.entries_at(use.version):
                asked = entry.scenario == use.scenario or (
                    not use.scenario and entry.scenario in catalog.default_scenarios
                )
                wanted = entry.need is Need.REQUIRED or str(entry.need) == use.need
                if asked and wanted and entry.is_egress:
                    for name, meaning in catalog.placeholders.items():
                        if f"{{{name}}}" in entry.value and name not in self._made.parameters:
                            self._made.missing.setdefault(name, meaning)


def _once(items: Sequence[Unplaced]) -> Unplaced:
    first, more = items[0], len(items) - 1
    place = f"{first.place} and {more} more places" if more else first.place
    return Unplaced(text=first.text, place=place, because=first.because)


def _by_name(hits: Sequence[Hit]) -> bool:
    return any(
        hit.relation is Relation.ALLOWS
        and hit.entry
        and "*" not in hit.entry.value
        and "{" not in hit.entry.value
        for hit in hits
    )


_HOMES: Final = (
    "entra-and-arm",
    "azure-container-registry",
    "certificate-revocation",
    "hugging-face",
    "docker-hub",
    "github",
    "nvidia",
    "vscode",
    "azure-monitor",
    "azure-storage",
    "azure-key-vault",
    "azure-ai-services",
    "azure-ai-search",
    "cosmos-db",
    "azure-speech",
    "azure-translator",
    "bot-service",
    "azure-cli",
    "azure-machine-learning",
    "langsmith",
    "databricks",
    "ai-frameworks",
    "ml-packages",
)
"""Catalogs that are about the host itself, before those of services that happen to ask for it too."""

_LAST: Final = ("data-loss-prevention", "azure-portal", "dev-box", "azure-firewall", "fabric")
"""Catalogs with names of all sorts: an overview, or a place where people click."""


_NO_HOME: Final = ("data-loss-prevention",)
"""What stands there is an example."""


def _best(hits: Sequence[Hit], speaking: Collection[tuple[str, str]]) -> Hit | None:
    """The narrowest entry that is about the host; of those, one of a catalog that something else speaks for already."""
    plain = [
        hit
        for hit in hits
        if hit.entry
        and (
            (hit.catalog, hit.entry.scenario) in speaking
            or not (hit.entry.asked_by or hit.entry.is_from_field)
        )
    ] or list(hits)

    catalogs = {catalog for catalog, _ in speaking}

    def rank(hit: Hit) -> tuple[int, ...]:
        value = hit.entry.value if hit.entry else ""
        home = _HOMES.index(hit.catalog) if hit.catalog in _HOMES else len(_HOMES)
        return (
            hit.relation is not Relation.ALLOWS,
            "*" in value,
            hit.catalog in _LAST,
            value.count("{"),
            home == len(_HOMES) and hit.catalog not in catalogs,
            home,
            (hit.catalog, hit.entry.scenario if hit.entry else "") not in speaking,
            not hit.is_default,
            -len(value),
        )

    return min(plain, key=rank, default=None)


def _nearest(signs: Iterable[Sign]) -> tuple[Sign, ...]:
    """Each place once, the surest first."""
    unique = {(sign.place, sign.value): sign for sign in signs}
    return tuple(
        sorted(unique.values(), key=lambda sign: (_ORDER.index(sign.confidence), sign.file, sign.line))
    )
