"""What a surface proposes, before it is proved and judged."""

from __future__ import annotations

import msgspec

from allowlist.plan.model import Cost, Operation, Skip
from allowlist.rules.requirement import Requirement

NO_COST = Cost()


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """One operation and the requirements it serves (none for a removal). ``why`` says it where no requirement does.

    ``title`` says in a few words, without the verb, what is changed. ``names`` are the name patterns that are let
    through afterwards, those of the requirements where it gives none; ``from_anywhere`` says that every source may
    use it. ``along`` is what it opens besides the requirements because the surface has no narrower rule.
    """

    operation: Operation
    title: str = ""
    names: tuple[str, ...] = ()
    from_anywhere: bool = False
    requirements: tuple[Requirement, ...] = ()
    cost: Cost = NO_COST
    why: str = ""
    along: tuple[Requirement, ...] = ()
    drift: str = ""
    """Of an update: what the rule says more or less than it should, in words."""
    pervasive: bool = False
    """Does it change what rules of others do, as a setting or a state does?"""
    quarantine: str = ""
    """Of a removal: which catalog entry ended so lately that somebody has to accept it by name, in words."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What would have to be done, what cannot be said on this surface, and what is left alone on purpose."""

    changes: tuple[Drafted, ...] = ()
    inexpressible: tuple[tuple[Requirement, str], ...] = ()
    skips: tuple[Skip, ...] = ()


class LimitFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A published limit that ``text`` says is near (``exceeded`` False) or passed."""

    code: str
    exceeded: bool
    text: str
