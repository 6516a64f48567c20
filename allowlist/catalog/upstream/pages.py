"""Where documentation pages come from: a folder, or the web, with what they include."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from allowlist.catalog.upstream.extract import rows_of
from allowlist.catalog.upstream.page import parse_page
from allowlist.catalog.upstream.row import Row
from allowlist.errors import CatalogError, InvalidInput

if TYPE_CHECKING:
    import httpx

MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
MAX_INCLUDES: Final = 30
_MAX_DEPTH: Final = 2


@dataclass(frozen=True, slots=True, order=True)
class PageRef:
    """A page of a repository, such as ``MicrosoftDocs/azure-ai-docs`` and ``articles/…/page.md``."""

    repo: str
    path: str

    def __str__(self) -> str:
        return f"{self.repo}:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A page as it stood at ``commit`` (empty when nobody said which)."""

    ref: PageRef
    text: str
    commit: str = ""


class PageSource(Protocol):
    """``read`` gives the newest version, or the one at ``commit``; None if it does not have it."""

    def read(self, ref: PageRef, commit: str = "") -> PageText | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A page with its includes, read. ``unread`` are includes that could not be had."""

    ref: PageRef
    commit: str
    rows: tuple[Row, ...]
    includes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def read_page(ref: PageRef, source: PageSource, commit: str = "") -> Reading | None:
    """Read a page and what it includes. None if the source does not have the page."""
    found = source.read(ref, commit)
    if found is None:
        return None
    rows: list[Row] = []
    includes: list[str] = []
    unread: list[str] = []
    waiting = [(found, 0)]
    while waiting and len(includes) <= MAX_INCLUDES:
        text, depth = waiting.pop(0)
        page = parse_page(text.text, text.ref.path)
        rows += rows_of(page)
        for target in page.includes:
            path = _target(text.ref.path, target)
            if not path or path in includes:
                continue
            includes.append(path)
            part = source.read(PageRef(ref.repo, path), commit) if depth < _MAX_DEPTH else None
            if part is None:
                unread.append(path)
            else:
                waiting.append((part, depth + 1))
    return Reading(
        ref=ref, commit=found.commit, rows=tuple(rows), includes=tuple(includes), unread=tuple(unread)
    )


def _target(page: str, target: str) -> str:
    """The path an include names, seen from the root of the repository; empty for one outside of it."""
    plain = target.partition("#")[0].partition("?")[0]
    if plain.startswith(("~", "http:", "https:")) or not plain:
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), plain.lstrip("/") or plain))
    return "" if path.startswith("..") else path


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


def _listed(manifest: Path) -> Iterator[tuple[PageRef, _Snapshot]]:
    from allowlist.documents import load_source

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


RAW_PAGES: Final = "https://raw.githubusercontent.com"
COMMITS: Final = "https://api.github.com"
_ATTEMPTS: Final = 3
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(slots=True, kw_only=True)
class WebPages:
    """Pages of public repositories over HTTPS: conditional requests, retries, bounded size, no redirects.

    ``cache`` keeps each newest page with its ETag and Last-Modified, so that an unchanged page costs one
    request without a body. ``sleep`` is called with the seconds to wait before another attempt.
    """

    client: httpx.Client
    cache: Path
    sleep: Callable[[float], None]
    pages_url: str = RAW_PAGES
    commits_url: str = COMMITS
    _commits: dict[PageRef, str] = field(init=False, default_factory=dict)

    def read(self, ref: PageRef, commit: str = "") -> PageText | None:
        """The page at ``commit``, or the newest one. Raises CatalogError when nothing can be told."""
        url = f"{self.pages_url}/{ref.repo}/{commit or 'HEAD'}/{ref.path}"
        if commit:
            content = self._get(url, {})[1]
            return None if content is None else PageText(ref=ref, text=_decoded(content), commit=commit)
        content = self._newest(url)
        if content is None:
            return None
        return PageText(ref=ref, text=_decoded(content), commit=self._commit_of(ref))

    def _newest(self, url: str) -> bytes | None:
        import hashlib

        import msgspec

        stem = self.cache / hashlib.sha256(url.encode()).hexdigest()[:32]
        kept, notes = stem.with_suffix(".md"), stem.with_suffix(".json")
        known: dict[str, str] = {}
        if kept.is_file() and notes.is_file():
            known = msgspec.json.decode(notes.read_bytes(), type=dict[str, str])
        status, content, validators = self._get(url, known)
        if status == 304:
            return kept.read_bytes()
        if content is not None:
            self.cache.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(content)
            notes.write_bytes(msgspec.json.encode(validators))
        return content

    def _commit_of(self, ref: PageRef) -> str:
        """The last commit that touched the page; empty when the interface does not say (it is rate limited)."""
        if ref not in self._commits:
            import msgspec

            url = f"{self.commits_url}/repos/{ref.repo}/commits?path={ref.path}&per_page=1"
            try:
                content = self._get(url, {})[1] or b"[]"
                answer: Any = msgspec.json.decode(content)
                self._commits[ref] = str(answer[0]["sha"])
            except (CatalogError, msgspec.MsgspecError, LookupError, TypeError):
                self._commits[ref] = ""
        return self._commits[ref]

    def _get(self, url: str, known: dict[str, str]) -> tuple[int, bytes | None, dict[str, str]]:
        """Status, content and validators; content is None for 304 and 404."""
        for attempt in range(1, _ATTEMPTS + 1):
            status, content, validators = self._once(url, known)
            if status in (200, 304, 404):
                return status, content if status == 200 else None, validators
            if status not in _BUSY | {0} or attempt == _ATTEMPTS:
                break
            self.sleep(float(2**attempt))
        raise CatalogError(
            f"{url} answered {status}" if status else f"{url} cannot be reached",
            hint="try again later, or give a folder: --pages DIR",
        )

    def _once(self, url: str, known: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        import httpx

        content = bytearray()
        try:
            with self.client.stream("GET", url, headers=known, follow_redirects=False) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MAX_PAGE_BYTES:
                        raise CatalogError(f"{url} is larger than {MAX_PAGE_BYTES} bytes")
                return response.status_code, bytes(content), _validators(response)
        except httpx.HTTPError:
            return 0, b"", {}


def _validators(response: httpx.Response) -> dict[str, str]:
    """The headers for the next conditional request."""
    pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
    return {name: response.headers[header] for name, header in pairs if header in response.headers}


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")
