"""What findings say of what is required: with a flow that shows it, or with why nobody can say."""

from __future__ import annotations

from string import ascii_lowercase, digits

import pytest

from allowlist.names import witness_outside
from allowlist.plan.findings import (
    Finding,
    Status,
    find_requirement_findings,
    left_out,
    not_carried_out,
    not_modelled,
)
from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.index import RuleIndex, Zones, source_sets
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Origin, Requirement
from tests.rules.test_compare import HERE, application, network, rules

ORIGIN = Origin(catalog="own", version="1", entry="e")
TWO = AddressSet.parse(["20.0.0.0/31"])


def wanted(pattern: str = "", protocol: str = "https", **more: object) -> Requirement:
    return Requirement(
        origin=ORIGIN,
        sources=HERE.addresses,
        protocol=protocol,
        ports=(443, 443),
        pattern=pattern,
        **more,  # type: ignore[arg-type]
    )


def finding_of(ruleset: Ruleset, asked: Requirement) -> Finding:
    (found,) = find_requirement_findings(CoverageEngine.of(ruleset, (asked,)), (asked,), "t")
    return found


@pytest.mark.parametrize("status", [Status.MISSING, Status.BLOCKED, Status.UNKNOWN, Status.PARTIAL])
def test_only_what_is_covered_can_become_unknown_because_nothing_carries_the_rules_out(
    status: Status,
) -> None:
    covered = Finding(status=Status.COVERED, target="t", severity="info", because="allowed by r")
    other = Finding(status=status, target="t", severity="error", because="no rule matches")

    assert not_carried_out(other, "the firewall is stopped") == other
    told = not_carried_out(covered, "the firewall is stopped")
    assert (told.status, told.because) == (Status.UNKNOWN, "allowed by r, but the firewall is stopped")


@pytest.mark.parametrize(
    ("what", "because", "remedy"),
    [
        ("quicMode", "does not know the meaning of 'quicMode'", "update allowlist"),
        ("[reference('x')]", "its content was not read", "az resource show"),
        (
            "sources [parameters('s')]",
            "sources [parameters('s')] cannot be worked out",
            "a parameter file",
        ),
    ],
)
def test_what_is_not_known_is_told_with_how_to_get_to_know_it(what: str, because: str, remedy: str) -> None:
    found = not_modelled("t", "p/g/c/r", what)
    assert (found.status, found.code, found.rule) == (Status.UNKNOWN, "not-modelled", "p/g/c/r")
    assert because in found.because
    assert remedy in found.remedy


def test_what_no_rule_can_say_is_unknown_under_its_own_name() -> None:
    found = left_out("t", "a.com: a perimeter takes no wildcards")
    assert (found.status, found.rule, found.because) == (
        Status.UNKNOWN,
        "a.com",
        "a.com: a perimeter takes no wildcards",
    )


def test_a_wildcard_that_holds_no_name_is_missing_and_no_made_up_name_shows_it() -> None:
    asked = f"*.a{'.'.join(['a' * 62] * 4)}"
    assert witness_outside(asked, ()) is None
    found = finding_of(rules(), wanted(asked))
    assert (found.status, found.witness) == (Status.MISSING, None)


def test_a_wildcard_is_covered_by_rules_that_name_all_of_its_names_and_partly_by_one_less() -> None:
    long = ".".join(["a" * 61] * 4) + ".abc"
    every = tuple(f"{letter}.{long}" for letter in (*ascii_lowercase, *digits, "_"))

    assert finding_of(rules(application(patterns=every)), wanted(f"*.{long}")).status is Status.COVERED
    found = finding_of(rules(application(patterns=every[:-1])), wanted(f"*.{long}"))
    assert found.status is Status.PARTIAL
    assert found.witness
    assert found.witness.fqdn == every[-1]


def test_of_addresses_one_that_no_rule_allows_is_shown() -> None:
    one = network(destinations=AddressSet.parse(["20.0.0.0"]))
    found = finding_of(rules(one), wanted(protocol="tcp", addresses=TWO))
    assert found.status is Status.PARTIAL
    assert found.witness
    assert found.witness.fqdn == "20.0.0.1"


def test_an_fqdn_tag_is_covered_by_a_rule_for_that_tag_only() -> None:
    asked = wanted(fqdn_tag="WindowsUpdate")
    assert finding_of(rules(application(fqdn_tags=("windowsupdate",))), asked).status is Status.COVERED
    other = finding_of(rules(application(fqdn_tags=("AzureBackup",))), asked)
    assert other.status is not Status.COVERED


def test_rules_that_were_not_cut_for_the_addresses_asked_for_allow_them_only_where_they_allow_everything() -> (
    None
):
    asked = wanted(protocol="tcp", addresses=TWO)
    for destinations, covered in ((TWO, False), (EVERYWHERE, True), (NOWHERE, False)):
        ruleset = rules(network(destinations=destinations))
        index = RuleIndex(ruleset, Zones([*source_sets(ruleset), asked.sources]))
        assert CoverageEngine(index).cover(asked).is_covered is covered


def test_a_documented_member_of_a_tag_is_covered_unless_the_tag_lost_it() -> None:
    asked = wanted("download.windowsupdate.com")
    in_force = application(fqdn_tags=("WindowsUpdate",))
    failed = application(fqdn_tags=("WindowsUpdate",), state="group g is Failed")

    sure, doubtful = (
        CoverageEngine.of(rules(rule), (asked,), presumes=True).cover(asked) for rule in (in_force, failed)
    )

    assert sure.is_covered
    assert any("WindowsUpdate" in text for text in sure.assumptions)
    assert not doubtful.is_covered
    assert doubtful.mask("unknown") == doubtful.sources
