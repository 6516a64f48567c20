"""How many examples a law is tried on: a part of the full number every day, more when a maintainer asks for it.

``ALLOWLIST_LAWS`` multiplies the full number that stands beside each law: 0.1 in ``make quick``, 0.25 by default, 1 in the
build that measures coverage, 4 in ``make laws``. A part tries the same examples of a commit each time, the rest new ones.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

SHARE = float(os.environ.get("ALLOWLIST_LAWS", "0.25"))
FEWEST = 10


def examples(full: int) -> int:
    """Of ``full`` examples those to try now: never fewer than ten, unless the full number is smaller itself."""
    return max(round(full * SHARE), min(full, FEWEST))


@lru_cache(maxsize=None, typed=True)
def among(*values: Any) -> st.SearchStrategy[Any]:
    """One of ``values``, each hashable. One object for the same values: Hypothesis checks every strategy that it meets for
    the first time, and a ``sampled_from`` inside of a composite is a new one in every example (measured: two thirds of
    the time of laws over rulesets)."""
    return st.sampled_from(values)
