"""Addresses are read and written as people and Azure write them."""

from __future__ import annotations

import pytest

from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet, plain_address


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10.0.0.4", 10 << 24 | 4),
        ("255.255.255.255", 2**32 - 1),
        ("10.0.0", None),
        ("10.0.0.4.5", None),
        ("10.0.0.x", None),
        ("10.0.0.0/8", None),
        ("10.0.0.256", None),
        ("10.0.0.-1", None),
        ("10.0.0.04", None),
        ("", None),
    ],
)
def test_only_four_plain_numbers_are_a_plain_address(text: str, number: int | None) -> None:
    assert plain_address(text) == number


def test_a_set_of_addresses_is_shown_as_prefixes_and_single_addresses() -> None:
    assert str(AddressSet.parse(["10.0.0.0/24", "10.0.1.0"])) == "10.0.0.0/24, 10.0.1.0"
    assert str(EVERYWHERE) == "*"
    assert str(NOWHERE) == "nothing"
