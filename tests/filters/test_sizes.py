"""Sizes are counted as the engine counts them, told with their limit, and refused where the engine takes less."""

from __future__ import annotations

import pytest

from allowlist.errors import AllowlistError
from allowlist.filters.export import export
from allowlist.filters.format import Format
from allowlist.filters.registry import FORMATS
from allowlist.filters.sizes import Size
from allowlist.workflow.approval_policy import PolicyInForce
from allowlist.workflow.exporting import Wanted, exported
from allowlist.workload.document import ApprovalRule
from tests.filters.test_formats import every_format, wanted

LONG = ".".join(["a" * 60] * 3 + ["b" * 58])
"""241 characters; a DNS name may have 253."""


def sizes(name: str, *patterns: str) -> dict[str, Size]:
    return {size.what: size for size in export(FORMATS[name], wanted(*patterns), "demo").sizes}


def refused(name: str, *patterns: str) -> str:
    asked = Wanted(
        "demo", tuple(wanted(*patterns)), (), "demo", "public", PolicyInForce(rule=ApprovalRule(), origin="")
    )
    with pytest.raises(AllowlistError) as error:
        exported(asked, FORMATS[name])
    return str(error.value)


@every_format
def test_every_format_counts_what_it_writes_and_says_by_whom(engine: Format) -> None:
    found = export(engine, wanted("contoso.com", "*.contoso.com", "www.fabrikam.com"), "demo").sizes
    assert bool(found) == (engine.name != "kubernetes")
    assert all(size.count > 0 and size.source and not size.exceeded for size in found)


def test_a_zone_of_response_policies_may_have_the_name_that_its_longest_owner_leaves() -> None:
    longest = sizes("rpz", f"*.{LONG}")["characters of the longest owner"]
    assert (longest.count, longest.exceeded) == (241, False) if len(LONG) == 239 else True
    assert f"may have {252 - longest.count} characters" in str(longest)


def test_a_url_list_of_google_takes_2500_entries_and_no_more() -> None:
    names = [f"n{number}.contoso.com" for number in range(2501)]
    assert sizes("gcp-swp", *names[1:])["entries of the largest UrlList"].count == 2500
    assert "2,501 of at most 2,500" in refused("gcp-swp", *names)


def test_a_domain_list_of_aws_costs_a_unit_a_domain_and_one_for_the_type() -> None:
    assert sizes("aws-domain-list", "a.com", "b.com", "c.com")["units of capacity"].count == 4


def test_rules_of_suricata_cost_a_unit_each_in_aws() -> None:
    (rules,) = [
        size for what, size in sizes("suricata", "a.com", "b.com").items() if what.startswith("rules,")
    ]
    assert rules.count == 4


def test_long_names_of_fortigate_objects_stay_apart() -> None:
    """FortiOS takes 79 characters: two names cut there would be one object, the second in place of the first."""
    pair = (f"{'a' * 60}.{'b' * 40}.contoso.com", f"{'a' * 60}.{'b' * 40}.fabrikam.com")
    text = export(FORMATS["fortigate"], wanted(*pair), "demo").files["allowlist.fortigate.conf"]
    names = [line.split('"')[1] for line in text.splitlines() if line.strip().startswith('edit "al-')]
    assert len(set(names)) == 2
    assert all(len(name) <= 79 for name in names)
