"""Where pages come from: folders, and a web server that is slow, busy, or sends too much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from allowlist.catalog.upstream.folder import FolderPages
from allowlist.catalog.upstream.pages import PageRef, read_page
from allowlist.catalog.upstream.web import WebPages
from allowlist.errors import CatalogError, InvalidInput

REF = PageRef("contoso/docs", "articles/page.md")
Answer = Callable[[httpx.Request], httpx.Response]


def web(tmp_path: Path, answer: Answer, naps: list[float] | None = None) -> WebPages:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    sleep = (naps if naps is not None else []).append
    return WebPages(client=client, cache=tmp_path / "cache", sleep=sleep)


def is_page(request: httpx.Request) -> bool:
    return request.url.host == "raw.githubusercontent.com"


def commits(request: httpx.Request) -> httpx.Response:
    assert request.url.params["path"] == REF.path
    return httpx.Response(200, json=[{"sha": "abc123"}])


def test_a_page_comes_with_the_commit_that_touched_it_last(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if not is_page(request):
            return commits(request)
        assert request.url.path == "/contoso/docs/HEAD/articles/page.md"
        return httpx.Response(200, text="# Page")

    page = web(tmp_path, answer).read(REF)

    assert page is not None
    assert (page.text, page.commit) == ("# Page", "abc123")


def test_an_unchanged_page_is_asked_for_with_its_etag_and_taken_from_the_cache(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not is_page(request):
            return commits(request)
        seen.append(request.headers.get("If-None-Match", ""))
        if seen[-1]:
            assert request.headers["If-Modified-Since"] == "yesterday"
            return httpx.Response(304)
        return httpx.Response(200, text="# Page", headers={"ETag": '"v1"', "Last-Modified": "yesterday"})

    texts = [page.text for page in (web(tmp_path, answer).read(REF) for _ in range(2)) if page]

    assert (texts, seen) == (["# Page", "# Page"], ["", '"v1"'])


def test_a_busy_server_is_asked_again_and_then_given_up(tmp_path: Path) -> None:
    naps: list[float] = []
    statuses = [503, 429, 200]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(statuses.pop(0), text="# Page") if is_page(request) else httpx.Response(403)

    page = web(tmp_path, answer, naps).read(REF)

    assert (page and page.text, page and page.commit, naps) == ("# Page", "", [2.0, 4.0])

    statuses += [503, 503, 503]
    with pytest.raises(CatalogError, match="answered 503"):
        web(tmp_path, answer).read(REF)


def test_a_server_that_cannot_be_reached_is_told_in_words(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(CatalogError, match="cannot be reached"):
        web(tmp_path, answer).read(REF)


def test_an_absent_page_is_none_and_a_redirect_is_not_followed(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404)

    def elsewhere(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})

    assert web(tmp_path, answer).read(REF) is None
    with pytest.raises(CatalogError, match="answered 302"):
        web(tmp_path, elsewhere).read(REF)


def test_a_page_without_an_end_is_refused(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * (3 * 1024 * 1024))

    with pytest.raises(CatalogError, match="is larger than"):
        web(tmp_path, answer).read(REF)


def test_a_page_at_a_commit_is_asked_for_at_that_commit(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/contoso/docs/def456/articles/page.md"
        return httpx.Response(200, text="# Old")

    page = web(tmp_path, answer).read(REF, "def456")

    assert page is not None
    assert (page.text, page.commit) == ("# Old", "def456")


def write(folder: Path, path: str, text: str) -> None:
    file = folder / "contoso/docs" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_includes_are_followed_once_and_what_is_missing_is_named(tmp_path: Path) -> None:
    write(tmp_path, "articles/page.md", "[!INCLUDE [a](includes/a.md)]\n[!INCLUDE [b](../gone.md)]\n")
    write(tmp_path, "articles/includes/a.md", "| URL |\n| --- |\n| `a.contoso.com` |\n[!INCLUDE [x](a.md)]\n")

    reading = read_page(REF, FolderPages(tmp_path))

    assert reading is not None
    assert [(row.page, row.value) for row in reading.rows] == [("articles/includes/a.md", "a.contoso.com")]
    assert (reading.includes, reading.unread) == (("articles/includes/a.md", "gone.md"), ("gone.md",))


@pytest.mark.parametrize("target", ["../../../../etc/passwd", "~/reusable/x.md", "https://x.example/y.md"])
def test_an_include_cannot_leave_the_repository(tmp_path: Path, target: str) -> None:
    write(tmp_path, "articles/page.md", f"[!INCLUDE [a]({target})]\n")

    reading = read_page(REF, FolderPages(tmp_path))

    assert reading is not None
    assert [text.ref for text in reading.texts] == [REF]
    assert reading.unread == (() if target.startswith("https:") else (target,))


def test_a_page_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("| URL |\n| --- |\n| `a.contoso.com` |\n", encoding="utf-8")
    folder = tmp_path / "pages"
    folder.mkdir()

    assert FolderPages(folder).read(PageRef("..", "secret.md")) is None


def test_a_folder_that_is_none_and_a_manifest_without_a_list_are_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is no folder"):
        FolderPages(tmp_path / "absent")
    (tmp_path / "manifest.yaml").write_text("pages: []\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="has no list 'snapshots:'"):
        FolderPages(tmp_path)


def test_the_newest_version_of_a_manifest_counts_whichever_way_its_date_is_written(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.md").write_text(name, encoding="utf-8")
    (tmp_path / "manifest.yaml").write_text(
        "snapshots:\n"
        "  - {file: new.md, repo: contoso/docs, path: articles/page.md, commit: b, doc_date: '02/01/2026'}\n"
        "  - {file: old.md, repo: contoso/docs, path: articles/page.md, commit: a, doc_date: '2025-12-31'}\n",
        encoding="utf-8",
    )
    pages = FolderPages(tmp_path)

    found = [pages.read(REF), pages.read(REF, "a"), pages.read(REF, "unknown")]

    assert [page and page.text for page in found] == ["new", "old", None]
