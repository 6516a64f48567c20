"""Read with the newest api-version whose fields are known, and never write with an older one than was read with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient
from allowlist.azure.versions import is_known, newest, parse_choice, sdk_version, type_of
from allowlist.errors import AllowlistError, TargetError
from tests.azure.test_client import Script

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p"
GROUP = f"{ID}/ruleCollectionGroups/r"
OK = Answer(200, {}, json.dumps({"id": ID, "properties": {}}).encode())
NETWORK = "microsoft.network/firewallpolicies"


def _arm(*answers: Answer, **more: Any) -> tuple[ArmClient, Script, list[str]]:
    script, told = Script(*answers), list[str]()
    arm = ArmClient("https://arm.example", lambda _: script, sleep=lambda _: None, notify=told.append, **more)
    return arm, script, told


def _asked(script: Script) -> list[str]:
    return [url.partition("api-version=")[2] for _, url in script.asked]


def _refused(code: str, text: str) -> Answer:
    return Answer(
        404 if code == "InvalidResourceType" else 400,
        {},
        json.dumps({"error": {"code": code, "message": text}}).encode(),
    )


LISTED = "'2020-05-01, 2023-11-01, 2024-03-01, 2024-01-01-preview, 2099-01-01'"
NOT_HERE = {
    "NoRegisteredProviderFound": (
        "No registered resource provider found for location 'usgovvirginia' and API version '2026-03-01' for type "
        f"'firewallPolicies'. The supported api-versions are {LISTED}. The supported locations are 'usgovvirginia'."
    ),
    "InvalidResourceType": (
        "The resource type 'firewallPolicies' could not be found in the namespace 'Microsoft.Network' for api version "
        f"'2026-03-01'. The supported api-versions are {LISTED}."
    ),
}


def test_microsoft_network_is_read_and_written_with_the_newest_of_sdk_and_table() -> None:
    arm, script, _ = _arm(OK, OK)
    arm.get(ID, "2024-05-01")
    arm.put(ID, {}, "2024-05-01")
    assert _asked(script) == [newest(NETWORK, "2024-05-01")] * 2
    assert newest(NETWORK, "2024-05-01") >= max(sdk_version(), "2026-03-01")


@pytest.mark.parametrize(("code", "text"), NOT_HERE.items(), ids=NOT_HERE)
def test_where_azure_lacks_it_the_newest_known_one_of_those_it_lists_is_taken_and_said(
    code: str, text: str
) -> None:
    arm, script, told = _arm(_refused(code, text), OK, OK, OK)
    arm.get(ID, "2024-05-01")
    arm.get(ID, "2024-05-01")
    arm.put(ID, {}, "2024-05-01")
    assert _asked(script)[1:] == ["2024-03-01"] * 3
    assert told == [
        f"{NETWORK} is read with api-version 2024-03-01, the newest known one that Azure has here"
    ]


def test_a_list_falls_back_as_well_and_each_type_for_itself() -> None:
    page = Answer(200, {}, b'{"value": []}')
    arm, script, _ = _arm(_refused(*next(iter(NOT_HERE.items()))), page, OK)
    assert list(arm.list(f"{ID}/ruleCollectionGroups", "1")) == []
    arm.get(ID, "1")
    assert _asked(script)[1:] == ["2024-03-01", newest(NETWORK, "1")]


def test_where_none_of_the_listed_is_known_it_is_an_error_that_names_the_way_out() -> None:
    text = NOT_HERE["NoRegisteredProviderFound"].replace(LISTED, "'2015-05-01-preview, 2099-01-01'")
    arm, *_ = _arm(_refused("NoRegisteredProviderFound", text))
    with pytest.raises(TargetError, match="none of these") as caught:
        arm.get(ID, "1")
    assert "--api-version" in caught.value.hint


def test_a_refused_version_is_no_absence() -> None:
    """Azure says it with 404 too; the resource may well be there."""
    arm, *_ = _arm(_refused("InvalidResourceType", "could not be found for api version '1'"))
    with pytest.raises(TargetError) as caught:
        arm.get(ID, "1")
    assert type(caught.value) is TargetError


def test_a_write_never_falls_back() -> None:
    arm, script, _ = _arm(OK, _refused(*next(iter(NOT_HERE.items()))))
    arm.get(ID, "1")
    with pytest.raises(TargetError, match="NoRegisteredProviderFound"):
        arm.put(ID, {}, "1")
    assert len(script.asked) == 2


def test_a_chosen_version_is_read_with_and_not_written_with_where_it_is_older_than_known_fields() -> None:
    arm, script, _ = _arm(OK, api_versions={"Microsoft.Network/firewallPolicies": "2023-11-01"})
    arm.get(ID, "1")
    with pytest.raises(AllowlistError, match="leaves out what came until"):
        arm.put(GROUP, {}, "1")
    assert _asked(script) == ["2023-11-01"]


def test_a_newer_chosen_version_is_written_with() -> None:
    arm, script, _ = _arm(OK, api_versions={"microsoft.network": "2099-01-01"})
    arm.put(ID, {}, "1")
    assert _asked(script) == ["2099-01-01"]


@pytest.mark.parametrize(
    ("kind", "version", "known"),
    [
        (NETWORK, "2024-05-01", True),
        (NETWORK, "2024-05-01-preview", False),
        (NETWORK, "2019-01-01", False),
        (NETWORK, "2099-01-01", False),
        ("microsoft.cognitiveservices/accounts/raipolicies", "2026-07-15-preview", True),
        ("microsoft.cognitiveservices/accounts/raipolicies", "2025-04-01", False),
        ("contoso.unknown/things", "2024-05-01", False),
    ],
)
def test_known_are_versions_between_the_oldest_and_the_newest(kind: str, version: str, known: bool) -> None:
    assert is_known(kind, version) is known


@pytest.mark.parametrize("text", ["2024-05-01", "x=", "=2024-05-01", "x=latest", "x=2024-05-01-beta"])
def test_a_choice_is_a_kind_and_a_version(text: str) -> None:
    with pytest.raises(AllowlistError, match="KIND=VERSION"):
        parse_choice(text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (GROUP, "microsoft.network/firewallpolicies/rulecollectiongroups"),
        (f"{ID}/deploy", "microsoft.network/firewallpolicies/deploy"),
        ("/subscriptions/s/providers/Microsoft.Network/ipGroups?$top=1", "microsoft.network/ipgroups"),
        ("/subscriptions", ""),
    ],
)
def test_the_type_of_a_path(path: str, kind: str) -> None:
    assert type_of(path) == kind


@pytest.mark.parametrize(
    "text", ["firewall-policy=2024-13-45", "firewall-policy=", "=2024-05-01", "firewall-policy=latest", ""]
)
def test_what_is_no_kind_and_version_is_refused(text: str) -> None:
    with pytest.raises(AllowlistError, match="KIND=VERSION"):
        parse_choice(text)


def test_a_chosen_version_that_azure_has_not_is_refused_with_one_it_has() -> None:
    code, text = next(iter(NOT_HERE.items()))
    arm, *_ = _arm(_refused(code, text), api_versions={"Microsoft.Network/firewallPolicies": "1999-01-01"})
    with pytest.raises(TargetError, match="api-versions are") as caught:
        arm.get(ID, "1")
    assert "leave --api-version out" in caught.value.hint
