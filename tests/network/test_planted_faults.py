"""The example network is clean; each planted fault is found, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allowlist.render.path_svg import Drawing
from allowlist.render.posture import posture_json, posture_text
from allowlist.render.posture_html import posture_html
from tests.helpers.laws import examples
from tests.helpers.posture import (
    ALONE,
    PLANTS,
    Bodies,
    Plant,
    drop,
    estate_with,
    expected,
    find,
    posture_of,
    told,
)


def test_a_clean_network_has_no_finding() -> None:
    assert told(posture_of(estate_with())) == set()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_fault_is_found_and_none_is_invented(plant: Plant) -> None:
    assert told(posture_of(estate_with(plant))) == expected([plant])


def test_no_stage_of_a_path_looks_better_than_the_worst_that_was_found_about_it() -> None:
    plant = next(item for item in PLANTS if item.name == "route around")
    clean, faulty = posture_of(estate_with()), posture_of(estate_with(plant))
    finding = faulty.pending[0].id
    routes = [step for step in posture_json(faulty)["paths"][0]["steps"] if step["worst_finding"]]
    assert [(step["stage"], step["worst_finding"]) for step in routes] == [("route", finding)]
    assert not any(step["worst_finding"] for step in posture_json(clean)["paths"][0]["steps"])
    drawn = Drawing.of(faulty.paths[0], faulty.worst_at)
    assert [box.kind for box in drawn.boxes if box.title == "Route"] == ["blocked"]
    assert "Route not as it should be" in drawn.label
    text = [line for line in posture_text(faulty, str) if "route: " in line]
    assert text
    assert all("✗" in line or finding not in line for line in text)
    assert any(finding in line for line in text)
    assert "not as it should be" in posture_html(faulty)


@pytest.mark.parametrize("plant", ALONE, ids=lambda plant: plant.name)
def test_a_fault_that_brings_others_is_among_them(plant: Plant) -> None:
    assert expected([plant]) <= told(posture_of(estate_with(plant)))


def test_all_faults_at_once_are_all_found() -> None:
    assert told(posture_of(estate_with(*PLANTS))) == expected(PLANTS)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(range(len(PLANTS))), min_size=1), st.data())
def test_mending_one_fault_takes_away_its_finding_alone(chosen: set[int], data: st.DataObject) -> None:
    plants = [PLANTS[number] for number in sorted(chosen)]
    mended = data.draw(st.sampled_from(plants))
    before = told(posture_of(estate_with(*plants)))
    after = told(posture_of(estate_with(*(plant for plant in plants if plant is not mended))))
    assert before - after == expected([mended])
    assert after <= before


def test_a_zone_nobody_states_for_an_endpoint_is_no_fault() -> None:
    def only_openai(bodies: Bodies) -> None:
        interface = find(bodies, "networkInterfaces", "pe-ai.nic")["properties"]
        del interface["ipConfigurations"][2], interface["ipConfigurations"][0]
        for name in ("cognitiveservices.azure.com", "services.ai.azure.com"):
            zone = find(bodies, "privateDnsZones", f"privatelink.{name}")["id"].lower()
            if name.startswith("services"):
                for key in [key for key in bodies if key == zone or key.startswith(f"{zone}/")]:
                    del bodies[key]

    assert told(posture_of(estate_with(Plant("", only_openai, "", "")))) == set()


def test_without_anything_stated_the_usual_zones_are_needed() -> None:
    def silent(bodies: Bodies) -> None:
        drop(bodies, "networkInterfaces", "pe-registry.nic")
        zone = find(bodies, "privateDnsZones", "privatelink.azurecr.io")["id"].lower()
        for key in [key for key in bodies if key == zone or key.startswith(f"{zone}/")]:
            del bodies[key]

    assert {code for code, _ in told(posture_of(estate_with(Plant("", silent, "", ""))))} == {"dns-zone"}
