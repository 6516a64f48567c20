"""Documentation pages from the web."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from allowlist.catalog.upstream.pages import MAX_PAGE_BYTES, PageRef, PageText
from allowlist.documents.writing import write_bytes
from allowlist.errors import AllowlistError, CatalogError
from allowlist.trust import NAME_IT, TRUST_IT, why_untrusted

if TYPE_CHECKING:
    import httpx

RAW_PAGES: Final = "https://raw.githubusercontent.com"
COMMITS: Final = "https://api.github.com"
_ATTEMPTS: Final = 3
_LATER: Final = "try again later, or give a folder: --pages DIR"
_NO_PAGE: Final = re.compile(
    rb"\s*($|<!doctype|<html|\{\s*\}\s*$|\[\s*\]\s*$|null\s*$|\{\s*\"error\")", re.IGNORECASE
)
"""Nothing, or what a gateway says in place of a source file: a page without names would read as if all had gone."""
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
    most_glances: int = 200
    """Each costs a request, without a body where the page is as it was."""
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

    def pages_in(self, repo: str, folder: str) -> list[str]:
        """The Markdown pages of one folder; none where the interface does not say (it is rate limited)."""
        import msgspec

        try:
            content = self._get(f"{self.commits_url}/repos/{repo}/contents/{folder}", {})[1] or b"[]"
            answer: Any = msgspec.json.decode(content)
        except (CatalogError, msgspec.MsgspecError):
            return []
        rows = [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
        paths = (str(row.get("path")) for row in rows if row.get("type") == "file")
        return sorted(path for path in paths if path.endswith(".md"))

    def glance(self, ref: PageRef) -> tuple[str, str] | None:
        """The newest version without asking for its commit; one request without a body where it is unchanged."""
        content = self._newest(f"{self.pages_url}/{ref.repo}/HEAD/{ref.path}")
        return None if content is None else (_decoded(content), "")

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
            with suppress(
                AllowlistError
            ):  # a page that cannot be kept is asked for again, never half of it read
                write_bytes(kept, content)
                write_bytes(notes, msgspec.json.encode(validators))
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
            if status == 200 and _NO_PAGE.match(content):
                raise CatalogError(f"{url} answered 200 without a page of documentation", hint=_LATER)
            if status in (200, 404) or (status == 304 and known):
                return status, content if status == 200 else None, validators
            if status not in _BUSY | {0} or attempt == _ATTEMPTS:
                break
            self.sleep(float(2**attempt))
        raise CatalogError(
            f"{url} answered {status}" if status else f"{url} cannot be reached",
            hint=_LATER,
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
        except httpx.HTTPError as error:
            if why := why_untrusted(error, url):
                raise CatalogError(
                    f"{url}: its certificate{why}",
                    hint=f"{TRUST_IT} {NAME_IT}, or give --pages DIR",
                ) from None
            return 0, b"", {}


def _validators(response: httpx.Response) -> dict[str, str]:
    """The headers for the next conditional request."""
    pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
    return {name: response.headers[header] for name, header in pairs if header in response.headers}


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")
