"""The list of mutants is about the product as it is: each edit has its place, and each test is there."""

from __future__ import annotations

import pytest

from tests.helpers.shared import REPOSITORY
from tests.promises import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda item: item.name)
def test_every_mutant_has_its_place_and_its_test(mutant: Mutant) -> None:
    file, _, test = mutant.test.partition("::")

    assert (REPOSITORY / mutant.file).read_text("utf-8").count(mutant.old) == 1
    assert f"def {test}(" in (REPOSITORY / file).read_text("utf-8") or not test
