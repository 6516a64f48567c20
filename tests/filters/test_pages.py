"""The pages about other filters say what the code does."""

from allowlist.filters.pages import pages
from tests.helpers.shared import REPOSITORY

FOLDER = REPOSITORY / "docs" / "filters"


def test_the_pages_in_the_repository_are_those_the_tables_give() -> None:
    assert {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.md")} == pages()
