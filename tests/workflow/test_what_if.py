"""What a change would have done to flows that were seen, where several targets may have carried them."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from allowlist.rules.addresses import NOWHERE
from allowlist.rules.columns.verdicts import compile_verdicts
from allowlist.rules.flow import NOTHING_KNOWN
from allowlist.rules.model import Ruleset
from allowlist.traffic.findings import Effect
from allowlist.workflow.evidence import Judge, _Gathering
from allowlist.workflow.known_names import KnownNames
from tests.workflow.test_redundancy import rule, seen


def effects(*opened: str) -> list[Effect]:
    """Two targets that let nothing through, and each a change that lets ``opened`` through; a default denied one flow three times."""
    nothing = Ruleset(name="p")
    judges = [
        Judge(
            target=name, ruleset=nothing, verdicts=compile_verdicts(nothing, NOTHING_KNOWN), wanted=(), sources=NOWHERE,
            policies=frozenset({name}),
        )
        for name in ("p", "q")
    ]  # fmt: skip
    after = []
    for policy, pattern in zip(("p", "q"), opened, strict=True):
        allows = rule("new", pattern)
        allows = replace(allows, ref=replace(allows.ref, policy=policy))
        after.append(compile_verdicts(Ruleset(name=policy, application=(allows,)), NOTHING_KNOWN))
    gathering = _Gathering(judges, after, cast("KnownNames", None))
    gathering.take(seen("a.contoso.com", action="deny", count=3))
    return list(gathering.effect_items())


def test_a_flow_that_a_default_denied_is_told_once_whichever_target_it_went_through() -> None:
    (effect,) = effects("a.contoso.com", "*.contoso.com")
    assert (effect.word, effect.tally.count) == ("opens", 3)
    assert effect.after == "p/g/c/new or q/g/c/new"


def test_it_is_told_of_the_one_target_whose_change_touches_it() -> None:
    (effect,) = effects("b.contoso.com", "*.contoso.com")
    assert (effect.word, effect.tally.count, effect.after) == ("opens", 3, "q/g/c/new")
