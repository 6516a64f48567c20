"""The page of a catalog: everything that the latest version holds, how it is known, and every release."""

from __future__ import annotations

import re
from datetime import date

import pytest
from markdown_it import MarkdownIt

from allowlist.catalog import Catalog
from allowlist.render.catalog_page import catalog_page, catalogs_page
from tests.helpers.catalogs import document, entry, read, sealed, shipped_library

TODAY = date(2026, 11, 1)


def page(*entries: dict[str, object], versions: tuple[str, ...] = ("1.0.0", "1.1.0")) -> str:
    return catalog_page(read(sealed(document(*entries, versions=versions))), TODAY)


def test_an_entry_stands_with_its_page_at_the_commit_that_was_read() -> None:
    text = page(entry())
    assert "| `api.contoso.com` | https:443 | required | calls the service |" in text
    assert "(https://github.com/contoso/docs/blob/abcdef1/network.md)" in text


def test_history_tells_each_release_with_what_it_means_the_newest_first() -> None:
    text = page(entry(), entry("new", since="1.1.0"), entry("old", until="1.1.0"))
    assert text.index("### 1.1.0, 2024-02-01") < text.index("### 1.0.0, 2024-01-01")
    assert "- added: `new.contoso.com`, scenario core; traffic the service now needs is blocked" in text
    assert "- ended: `old.contoso.com`" in text
    assert "`old.contoso.com` | https" not in text, "it is in the latest version no more"


def test_what_is_better_refused_is_not_shown_as_needed() -> None:
    text = page(entry(refuse="usage is not reported", consumers=None, need="optional"))
    assert "| refuse |" in text
    assert "Without it: usage is not reported" in text


def test_words_of_a_catalog_make_neither_columns_nor_markup() -> None:
    text = page(entry(purpose="a | b <script>alert(1)</script>"))
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script>" not in shown
    assert "a | b" in shown


def test_the_timeline_says_in_words_what_it_shows() -> None:
    text = page(entry(), entry("new", since="1.1.0"))
    assert 'aria-label="2 releases from 2024-01-01 to 2024-02-01"' in text
    assert "<title>1.1.0 of 2024-02-01: 1 change</title>" in text


@pytest.mark.parametrize("catalog", shipped_library(), ids=lambda item: item.name)
def test_a_shipped_catalog_is_shown_whole(catalog: Catalog) -> None:
    text = catalog_page(catalog, TODAY)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(catalog.entries_at("latest"))
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows), "five columns"
    assert f"[{catalog.name}]({catalog.name}.md)" in catalogs_page([catalog])
