"""Sources named by resource id: prefixes come from Azure, stand in the plan, and a plan dies when they move."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.errors import StalePlan
from allowlist.workflow.planning import make_plan
from allowlist.workflow.sources import refuse_moved_sources
from tests.helpers.posture import EXAMPLE, Bodies, clean_bodies, find, project, subnet
from tests.workflow.test_surroundings import Listing, read


def moved(bodies: Bodies) -> Bodies:
    subnet(bodies, "vnet-ai", "snet-agents")["properties"]["addressPrefix"] = "10.20.6.0/24"
    return bodies


def test_a_requirement_starts_where_the_subnets_are() -> None:
    one = project()
    estate = read(Listing(moved(clean_bodies())))
    requirements = one.requirements(one.targets()[0], estate).requirements
    assert {str(item.sources) for item in requirements} == {"10.20.1.0/24, 10.20.6.0/24"}


def test_a_plan_dies_when_a_source_gets_other_prefixes() -> None:
    one = project()
    plan = make_plan(one, read(Listing(clean_bodies())), one.targets())
    assert sorted(plan.targets[0].sources.values()) == ["10.20.0.0/24", "10.20.1.0/24"]
    refuse_moved_sources(one, plan, Listing(clean_bodies()))
    with pytest.raises(StalePlan, match=r"source snet-agents was 10.20.0.0/24 .* is 10.20.6.0/24 now"):
        refuse_moved_sources(one, plan, Listing(moved(clean_bodies())))


def test_a_whole_network_may_be_a_source(tmp_path: Path) -> None:
    network = find(clean_bodies(), "virtualNetworks", "vnet-ai")["id"]
    lines = (EXAMPLE / "allowlist.yaml").read_text().splitlines()
    start = lines.index("    subnets:")
    rest = [line for line in lines[start + 1 :] if "/subnets/" not in line]
    path = tmp_path / "allowlist.yaml"
    path.write_text("\n".join([*lines[:start], f"    virtual_networks: [{network}]", *rest]))
    one = project(path)
    estate = read(Listing(clean_bodies()))
    (sources,) = {str(item.sources) for item in one.requirements(one.targets()[0], estate).requirements}
    assert sources == "10.20.0.0/16"
