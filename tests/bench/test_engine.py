"""The benchmark runs what it measures: a change of the product's own calls is noticed in every run of the suite."""

from tests.bench.engine import check_and_plan
from tests.bench.workload import make


def test_the_smallest_size_gives_a_sealed_plan() -> None:
    plan = check_and_plan(make("S"))
    assert plan.changes
    assert plan.digest.startswith("sha256:")
