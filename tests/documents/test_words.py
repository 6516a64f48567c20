"""A number agrees with its noun, wherever the product counts something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from allowlist.documents.words import counted
from tests.helpers.shared import REPOSITORY

_NOUNS = (
    "change|proposal|file|name|page|row|line|flow|gap|gate|finding|rule|target|requirement|approval|event|group|set|"
    "catalog|resource|day|hour|minute|host|proof|decision|source|subnet|write|run|report|owner"
)
_PLAIN = re.compile(rf"(\{{(?:[^{{}}]|\{{[^{{}}]*\}})*\}}) (?:more )?((?:{_NOUNS})s)\b(?![^ ,.;:)\"'!?])")
_OTHERS = re.compile(
    r"counted\(|^\{[A-Z_]|^\{(?:ids\[|len\((?:wanted|rules)\))|"  # said well, or a constant
    r"^\{(?:rule|count|workload|instance\.address|needed|resource|name|language|given|prefix|full|dialect|place|pattern|text|thing|title|head|start|catalog|group|index|node)\b"
)
"""What stands before a noun or a verb and is no number, or never one: what is said only of several."""


def _counted_by_hand() -> Iterator[str]:
    for file in sorted([*REPOSITORY.glob("allowlist/**/*.py"), *REPOSITORY.glob("tui/**/*.py")]):
        if "simulator" not in file.parts:  # Azure's words, as Azure has them
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
                for shown, noun in _PLAIN.findall(line):
                    if not _OTHERS.search(shown):
                        yield f"{file.relative_to(REPOSITORY)}:{number}: {shown} {noun}"


_TAG = re.compile(r"</?\w[^<>]*>")
_IN_A_PAGE = re.compile(
    rf"(\{{\{{[^{{}}]*\}}\}}|\$\{{[^{{}}]*\}})(?: (?:{_NOUNS})s\b| ?\w*\{{\{{ ?\"e?s\" if)|\b(?:{_NOUNS})\{{[{{%][^{{}}]*\"s\""
)


def _counted_by_hand_in(page: str) -> Iterator[str]:
    """What a template or script shows, tags left out: ``<b>{{ n }}</b><span>gaps</span>`` reads ``{{ n }} gaps``."""
    for number, line in enumerate(page.splitlines(), 1):
        shown = re.sub(" +", " ", _TAG.sub(" ", line))
        for found in _IN_A_PAGE.finditer(shown):
            if "counted(" not in found[0]:
                yield f"{number}: {found[0]}"


def test_a_number_agrees_with_its_noun_and_verb() -> None:
    assert [counted(number, "proposal", "is") for number in (0, 1, 2)] == [
        "0 proposals are",
        "1 proposal is",
        "2 proposals are",
    ]
    assert (counted(1, "gate", "passes"), counted(3, "gate", "passes")) == ("1 gate passes", "3 gates pass")
    assert (counted(1.0, "minute"), counted(26.5, "minute")) == ("1 minute", "26.5 minutes")


def test_no_text_puts_a_number_before_a_plural_by_hand() -> None:
    assert list(_counted_by_hand()) == []


def test_no_page_puts_a_number_before_a_plural_by_hand() -> None:
    for by_hand in (
        "<div><b>{{ plan.gaps|length }}</b><span>gaps</span></div>",
        '{{ count }} change{{ "s" if count != 1 }}',
        "about {{ minutes }} minutes{% if more %}",
        "`all ${total} changes`",
    ):
        assert list(_counted_by_hand_in(by_hand)), by_hand
    pages = [*REPOSITORY.glob("allowlist/**/templates/*.[hj]*"), *REPOSITORY.glob("tui/**/*.[hj][ts]*")]
    assert len(pages) > 5
    assert {
        str(page.relative_to(REPOSITORY)): found
        for page in pages
        if page.is_file() and (found := list(_counted_by_hand_in(page.read_text("utf-8"))))
    } == {}
