"""The list of mutants is about the product as it is: each edit has its place, and each test is there."""

from __future__ import annotations

import pytest

from tests.helpers.shared import REPOSITORY
from tests.promises import MUTANTS, PROMISES, Mutant, Promise


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda item: item.name)
def test_every_mutant_has_its_place_and_its_test(mutant: Mutant) -> None:
    file, _, test = mutant.test.partition("::")

    assert (REPOSITORY / mutant.file).read_text("utf-8").count(mutant.old) == 1
    assert f"def {test}(" in (REPOSITORY / file).read_text("utf-8") or not test


@pytest.mark.parametrize("promise", PROMISES, ids=lambda item: item.sentence)
def test_every_promise_has_a_test_and_a_mutant(promise: Promise) -> None:
    file, _, test = promise.test.partition("::")

    assert f"def {test}(" in (REPOSITORY / file).read_text("utf-8")
    assert any(mutant.promise == promise.sentence for mutant in MUTANTS)


def test_there_are_ten_promises() -> None:
    assert len({item.sentence for item in PROMISES}) == 10
