"""Documentation pages from a folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from allowlist.catalog.upstream.pages import MAX_PAGE_BYTES, PageRef, PageText
from allowlist.errors import CatalogError, InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    file: Path
    commit: str
    date: str


@dataclass(slots=True)
class FolderPages:
    """Pages from a folder: ``<folder>/<owner>/<repository>/<path>``, or the versions a ``manifest.yaml`` lists.

    A manifest has ``snapshots:``, each with ``file``, ``repo``, ``path``, ``commit`` and ``commit_date`` or
    ``doc_date``. Raises CatalogError for a folder that does not exist.
    """

    folder: Path
    most_glances: int = 20_000
    _snapshots: dict[PageRef, list[_Snapshot]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise CatalogError(f"{self.folder} is no folder", hint="give a folder with documentation pages")
        manifest = self.folder / "manifest.yaml"
        for ref, snapshot in _listed(manifest) if manifest.is_file() else ():
            self._snapshots.setdefault(ref, []).append(snapshot)

    def read(self, ref: PageRef, commit: str = "") -> PageText | None:
        """The newest listed version, the one at ``commit``, or the plain file (which has no commit)."""
        versions = sorted(self._snapshots.get(ref, ()), key=lambda snapshot: snapshot.date)
        wanted = [one for one in versions if not commit or one.commit == commit]
        if wanted:
            return PageText(ref=ref, text=_text_of(wanted[-1].file), commit=wanted[-1].commit)
        plain = self.folder / ref.repo / ref.path
        if commit or not plain.is_file() or not plain.resolve().is_relative_to(self.folder.resolve()):
            return None
        return PageText(ref=ref, text=_text_of(plain))

    def pages_in(self, repo: str, folder: str) -> list[str]:
        """The Markdown pages of one folder of a repository, as paths from its root."""
        top = self.folder / repo
        plain = [file.relative_to(top).as_posix() for file in (top / folder).glob("*.md")]
        listed = [
            ref.path for ref in self._snapshots if ref.repo == repo and posixpath.dirname(ref.path) == folder
        ]
        return sorted({*plain, *listed})

    def glance(self, ref: PageRef) -> tuple[str, str] | None:
        """The newest version, and its date where a manifest says one."""
        found = self.read(ref)
        if found is None:
            return None
        dates = [one.date for one in self._snapshots.get(ref, ())]
        return found.text, max(dates, default="")

    def redirections(self, repo: str) -> list[str]:
        """The redirection files of a repository, wherever its configuration lists them."""
        folder = self.folder / repo
        return sorted(file.name for file in folder.glob(".openpublishing.redirection*.json"))


def _listed(manifest: Path) -> Iterator[tuple[PageRef, _Snapshot]]:
    from allowlist.documents.source import load_source

    data = load_source(manifest).data
    listed = data.get("snapshots") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise InvalidInput.of(manifest, "has no list 'snapshots:'")
    for item in listed:
        if isinstance(item, dict) and all(isinstance(item.get(key), str) for key in ("file", "repo", "path")):
            date = _sortable(str(item.get("commit_date") or item.get("doc_date") or ""))
            file = manifest.parent / Path(item["file"]).name
            yield (
                PageRef(item["repo"], item["path"]),
                _Snapshot(file=file, commit=str(item.get("commit") or ""), date=date),
            )


def _sortable(date: str) -> str:
    """``07/17/2019`` and ``2019-07-17`` as the latter."""
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", date)
    return f"{american[3]}-{american[1]:0>2}-{american[2]:0>2}" if american else date


def _text_of(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CatalogError(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > MAX_PAGE_BYTES:
        raise CatalogError(f"{file} is larger than {MAX_PAGE_BYTES} bytes")
    return content.decode("utf-8", errors="replace")
