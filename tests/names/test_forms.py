"""What is no name is told from what is one, and the edges of how long a name may be."""

from __future__ import annotations

import re
from string import ascii_lowercase, digits

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.names import NameSet, Pattern, are_plainly_valid, registrable_domain
from allowlist.names.dialect import Dialect, Form, form_of, is_plain, is_plainly_valid, validity_of
from allowlist.names.pattern import LABEL
from tests.helpers.laws import examples

LONG = ".".join(["a" * 61] * 4) + ".abc"
"""So long that one letter and a dot before it make the longest name there may be."""


@pytest.mark.parametrize("text", ["ü" * 70 + ".com", "xn--ü.com", "\uff0e\uff0ecom"])
def test_what_idna_cannot_spell_is_a_form_of_its_own_and_no_rule_takes_it(text: str) -> None:
    assert form_of(text) is Form.NOT_IDNA
    assert validity_of(text, Dialect.APPLICATION_RULE) is not None


@pytest.mark.parametrize(
    ("name", "domain"),
    [("a.b.xn--99999999", "b.xn--99999999"), ("xn--99999999", None), ("a.b.xn--p1ai", "b.xn--p1ai")],
)
def test_a_top_level_domain_that_no_letters_stand_behind_is_taken_as_written(
    name: str, domain: str | None
) -> None:
    assert registrable_domain(name) == domain


PARTS = st.sampled_from([*"ab0-_.*\nA", "a.b", ".com", "*.", "x" * 62, "1.2"])
TEXTS = st.lists(PARTS, min_size=1, max_size=6).map("".join)


@settings(max_examples=examples(800), deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(Dialect))
def test_texts_are_plain_together_as_each_is_alone(texts: list[str], dialect: Dialect) -> None:
    """Read as it is meant, without what makes it quick."""
    plainly = re.compile(rf"(?:\*\.)?(?:{LABEL}\.)+{LABEL}(?<![0-9])").fullmatch
    assert [is_plain(text) for text in texts] == [bool(plainly(text)) for text in texts]
    each, together = all(is_plainly_valid(text, dialect) for text in texts), are_plainly_valid(texts, dialect)
    event(f"plain: {together}")
    assert each or not together
    assert together or not each or any("*" in text for text in texts)


def test_a_set_of_names_is_shown_with_its_holes() -> None:
    assert repr(NameSet(["*.a.com", "b.com"]) - NameSet(["x.a.com"])) == (
        "NameSet(b.com, *.a.com except x.a.com)"
    )


def test_a_wildcard_before_which_one_letter_fits_is_empty_once_every_letter_is_taken() -> None:
    one_letter = [f"{letter}.{LONG}" for letter in (*ascii_lowercase, *digits, "_")]
    assert len(one_letter[0]) == 253
    wide = NameSet([f"*.{LONG}"])

    assert (wide - NameSet(one_letter)).witness() is None
    assert (wide - NameSet(one_letter[:-1])).witness() == one_letter[-1]
    assert not NameSet([f"*.a{LONG}"])
    assert Pattern(f"*.{LONG}").matches(one_letter[0])
