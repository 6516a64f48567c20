"""How much work one template may make. Templates that grow without end are refused, never waited for."""

from __future__ import annotations

STEPS = 1_000_000
"""Values looked at for one template with all its modules; the largest published ones need a tenth of it."""
TEXT = 4 * 1024 * 1024
"""Characters of a text: Resource Manager takes templates of 4 MB, values included (template limits page)."""
ITEMS = 100_000
COPIES = 800
"""Iterations of a ``copy`` loop that Resource Manager takes (template limits page)."""
DEPTH = 120
"""Expressions that wait for each other: a parameter for a variable for a function …"""


class TooMuch(Exception):
    """The template asks for more than is worked out here; ``near`` is a text that stands where it does."""

    def __init__(self, message: str, near: str = "") -> None:
        super().__init__(message)
        self.near = near


class Budget:
    """Counts down; shared by everything that is worked out for one template."""

    def __init__(self, steps: int = STEPS) -> None:
        self._left = steps
        self.depth = 0

    def spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMuch("it takes too many steps to work out")

    def text(self, length: int) -> None:
        """Room for a text of ``length`` characters, before it is made."""
        if length > TEXT:
            raise TooMuch(f"it makes a text of {length} characters")
        self.spend(length // 256)

    def items(self, count: int) -> None:
        """Room for a list of ``count`` items, before it is made."""
        if count > ITEMS:
            raise TooMuch(f"it makes a list of {count} items")
        self.spend(count // 16)
