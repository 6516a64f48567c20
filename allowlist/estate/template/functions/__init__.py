"""The functions of template expressions, by name in lower case.

What each does was read off the function reference of Azure Resource Manager and the tests of two implementations
(the deployment engine as Bicep's tests run it, and PSRule for Azure). Where those leave doubt a function refuses,
and its value is unknown.
"""

from __future__ import annotations

from allowlist.estate.template.functions.arrays import ARRAYS
from allowlist.estate.template.functions.dates import DATES
from allowlist.estate.template.functions.lambdas import LAMBDAS
from allowlist.estate.template.functions.networks import NETWORKS
from allowlist.estate.template.functions.numbers import NUMBERS
from allowlist.estate.template.functions.objects import OBJECTS
from allowlist.estate.template.functions.table import Function
from allowlist.estate.template.functions.texts import TEXTS

FUNCTIONS: dict[str, Function] = {
    **NUMBERS, **TEXTS, **ARRAYS, **OBJECTS, **LAMBDAS, **NETWORKS, **DATES,
}  # fmt: skip

__all__ = ["FUNCTIONS", "Function"]
