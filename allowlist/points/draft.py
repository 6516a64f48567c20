"""What drafting has in common for every kind: operations in one form, removals under the delete policy, what waits.

Pure. A kind says which of its entries are ours and what an entry looks like; who may remove it, what it is called
when it may not, and which requirements become entries is said here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from allowlist.estate.bodies import Body
from allowlist.plan.drafts import Drafted
from allowlist.plan.model import Operation, Skip
from allowlist.points.point import Target
from allowlist.points.verdict import Judgement, Word
from allowlist.rules.addresses import NOWHERE
from allowlist.rules.requirement import Requirement

WEB: tuple[dict[str, Any], ...] = (
    {"protocol": "http", "ports": (80, 80)},
    {"protocol": "https", "ports": (443, 443)},
)
"""The flows that a name without ports lets through."""


DRIFT = "it says something else than its requirement asks for"


def at(item: Requirement, **changes: Any) -> Requirement:
    """What a rule opens along with ``item``: the same sources, another destination."""
    nothing: dict[str, Any] = {
        "pattern": "",
        "service_tag": "",
        "fqdn_tag": "",
        "addresses": NOWHERE,
        "endpoint": None,
    }
    return replace(item, **(nothing | changes))


class Drafting(msgspec.Struct, frozen=True):
    """Drafts for one target."""

    target: Target

    def operation(
        self,
        action: Literal["add", "update", "remove"],
        path: tuple[str, ...],
        *,
        before: Body | None,
        after: Body | None,
        title: str,
        resource: str = "",
    ) -> Operation:
        """One edit of the target, or of ``resource`` below it. ``title`` says it in a few words without the verb."""
        return Operation(
            action=action,
            surface=self.target.surface,
            resource=resource or self.target.resource,
            path=path,
            before=before,
            after=after,
            context={"title": title},
        )

    def skip(self, subject: str, code: str, text: str) -> Skip:
        return Skip(target=self.target.name, subject=subject, code=code, text=text)

    def removals(self, gone: Mapping[str, Callable[[], Drafted]]) -> tuple[list[Drafted], list[Skip]]:
        """Entries of ours that nobody wants any more, as far as the delete policy lets them go."""
        if self.target.delete == "sync":
            return [removal() for removal in gone.values()], []
        text = f"the delete policy of this target is '{self.target.delete}'"
        return [], [self.skip(subject, "kept-by-delete-policy", text) for subject in gone]


def sorted_out(
    judge: Callable[[Requirement], Judgement], wanted: Iterable[Requirement]
) -> tuple[dict[str, list[Requirement]], list[tuple[Requirement, str]]]:
    """By pattern what is missing, and what the kind cannot carry with the reason.

    What depends on rules nobody can read counts as missing where an entry of ours would make it certain.
    """
    missing: dict[str, list[Requirement]] = {}
    refused: list[tuple[Requirement, str]] = []
    for item in wanted:
        found = judge(item)
        if found.word is Word.MISSING or (found.word is Word.UNKNOWN and found.action):
            missing.setdefault(item.pattern, []).append(item)
        elif found.word in (Word.BLOCKED, Word.UNKNOWN):
            refused.append((item, found.text))
    return missing, refused


def tightened(
    tightens: bool, needed: Sequence[Requirement], kept: Sequence[Requirement]
) -> tuple[Requirement, ...]:
    """Where egress is to be restricted from now on, what was open by itself needs an entry of its own too."""
    return (*needed, *kept) if tightens else tuple(needed)
