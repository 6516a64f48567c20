"""Whatever happens on a day at Azure, in whatever order: the promises hold. ``make soak`` tells longer days."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.helpers.laws import examples
from tests.helpers.trial import BLOWS, MOMENTS, STUMBLES, Trial
from tests.helpers.world import contoso_world

stumbles = st.lists(st.sampled_from(STUMBLES), max_size=2).map(tuple)


class WorkingDay(RuleBasedStateMachine):
    """Plans, approvals, applies, crashes, foreign edits, resumes and ways back in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.trial = Trial(self._stack.enter_context(contoso_world(Path(folder))))

    def teardown(self) -> None:
        self._stack.close()

    @rule(share=st.sampled_from([0.3, 1.0]), faults=stumbles, crash=st.sampled_from(["", "", *MOMENTS]))
    def work(self, share: float, faults: tuple[str, ...], crash: str) -> None:
        self.trial.make_plan()
        self.trial.approve(share)
        self.trial.apply(faults, crash)

    @rule(faults=stumbles, blow=st.sampled_from(BLOWS))
    def work_on_a_bad_day(self, faults: tuple[str, ...], blow: str) -> None:
        self.trial.make_plan()
        self.trial.approve(1.0)
        self.trial.apply((*faults, blow))

    @rule()
    def plan(self) -> None:
        self.trial.make_plan()

    @rule(share=st.sampled_from([0.3, 1.0]))
    def approve(self, share: float) -> None:
        self.trial.approve(share)

    @rule(faults=stumbles, wait=st.booleans(), in_part=st.booleans())
    def apply(self, faults: tuple[str, ...], wait: bool, in_part: bool) -> None:
        self.trial.apply(faults, wait=wait, in_part=in_part)

    @rule(faults=stumbles)
    def resume(self, faults: tuple[str, ...]) -> None:
        self.trial.resume(faults)

    @rule()
    def roll_back(self) -> None:
        self.trial.roll_back()

    @rule()
    def confirm(self) -> None:
        self.trial.confirm()

    @rule()
    def another_team_edits(self) -> None:
        self.trial.another_team_edits()

    @rule()
    def somebody_tampers(self) -> None:
        self.trial.somebody_tampers()

    @rule(shrink=st.booleans())
    def catalog_changes(self, shrink: bool) -> None:
        (self.trial.catalog_shrinks if shrink else self.trial.catalog_grows_back)()

    @invariant()
    def every_promise_holds(self) -> None:
        self.trial.check()


TestWorkingDay = WorkingDay.TestCase
TestWorkingDay.settings = settings(
    max_examples=examples(6),
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
