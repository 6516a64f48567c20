"""The examples in the docstrings of the proving core are run."""

import doctest
import importlib
import pkgutil

import pytest

import allowlist.names
import allowlist.rules

MODULES = [
    f"{package.__name__}.{found.name}"
    for package in (allowlist.names, allowlist.rules)
    for found in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_algebra_of_names_and_addresses_is_shown_by_examples() -> None:
    shown = {name for name in MODULES if doctest.testmod(importlib.import_module(name)).attempted}
    assert {"allowlist.names.nameset", "allowlist.names.pattern", "allowlist.rules.addresses"} <= shown
