"""The absence of an answer is not an answer of absence: what is no answer of ARM never reads as "there is nothing"."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient
from allowlist.azure.versions import newest
from allowlist.errors import TargetUnavailable
from tests.azure.test_client import Script

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies"
ID = f"{PATH}/p"
VERSION = newest("microsoft.network/firewallpolicies", "1")
RESOURCE = {"id": ID, "name": "p", "properties": {}}
HTML = Answer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>please sign in</html>")


def _arm(*answers: Answer) -> tuple[ArmClient, Script]:
    script = Script(*answers)
    return ArmClient("https://arm.example", lambda _: script, sleep=lambda _: None), script


def _said(status: int, body: Any = None, **headers: str) -> Answer:
    return Answer(status, headers, b"" if body is None else json.dumps(body).encode())


NO_RESOURCE = {
    "a redirect": _said(302, None, location="https://login.proxy.example/?next=x"),
    "204": _said(204),
    "202": _said(202, RESOURCE),
    "nothing": _said(200),
    "an empty object": _said(200, {}),
    "null": Answer(200, {}, b"null"),
    "an empty array": _said(200, []),
    "a text": _said(200, "ok"),
    "a page of a proxy": HTML,
    "half an answer": Answer(200, {}, b'{"id": "/subsc'),
    "an error inside": _said(200, {"error": {"code": "Throttled", "message": "later"}}),
    "an error that is a text": _said(200, {"error": "later"}),
    "no id": _said(200, {"properties": {}}),
    "no properties": _said(200, {"id": ID}),
    "properties that are no object": _said(200, {"id": ID, "properties": []}),
}
OTHERS = {
    "another name": f"{PATH}/q",
    "another name below": f"{ID}/ruleCollectionGroups/r",
    "its parent": PATH.rpartition("/providers/")[0],
    "another group": ID.replace("/g/", "/h/"),
    "another subscription": ID.replace("/s/", "/t/"),
    "another provider": ID.replace("Microsoft.Network", "Microsoft.Security"),
    "another type of that name": ID.replace("firewallPolicies", "azureFirewalls"),
    "a name alone": "q",
}
SAME = (ID.upper(), f"{ID}/", ID[1:], ID.replace("resourceGroups", "resourcegroups"), f"/{ID}", "p")
NO_LIST = {
    **{name: answer for name, answer in NO_RESOURCE.items() if "id" not in name and "properties" not in name},
    "no value": _said(200, {"nextLink": "https://arm.example/x"}),
    "a value that is null": _said(200, {"value": None}),
    "a value that is an object": _said(200, {"value": {}}),
    "an error beside no array": _said(200, {"value": {}, "error": {}}),
    "items that are no objects": _said(200, {"value": ["x"]}),
    "an item without properties": _said(200, {"value": [{"id": ID}]}),
    "an item without id": _said(200, {"value": [{"properties": {}}]}),
    "a link that is no text": _said(200, {"value": [RESOURCE], "nextLink": 7}),
}


@pytest.mark.parametrize("answer", NO_RESOURCE.values(), ids=NO_RESOURCE)
def test_what_is_no_resource_is_unavailable_and_said_with_host_and_request(answer: Answer) -> None:
    arm, script = _arm(answer)
    with pytest.raises(TargetUnavailable) as caught:
        arm.get(ID, "1")
    assert "GET firewallPolicies/p" in str(caught.value)
    assert "arm.example" in str(caught.value)
    assert len(script.asked) == 1


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_resource_than_the_one_asked_for_is_no_answer(other: str) -> None:
    arm, script = _arm(_said(200, {**RESOURCE, "id": other}))
    with pytest.raises(TargetUnavailable) as caught:
        arm.get(ID, "1")
    assert f"GET firewallPolicies/p was answered 200 by arm.example with another resource, {other}" in str(
        caught.value
    )
    assert ID.lower() in str(caught.value).lower()
    assert len(script.asked) == 1


@pytest.mark.parametrize("same", SAME)
def test_an_id_in_another_spelling_is_the_same_resource(same: str) -> None:
    arm, _ = _arm(_said(200, {**RESOURCE, "id": same}))
    assert arm.get(ID, "1")["id"] == same


def test_a_child_under_an_older_name_of_its_type_is_the_same_resource() -> None:
    said = {"id": f"{ID}/ruleGroups/my%20group", "properties": {}}
    arm, _ = _arm(_said(200, said))
    assert arm.get(f"{ID}/ruleCollectionGroups/my group", "1") == said


def test_the_end_of_a_write_is_not_told_by_another_resource() -> None:
    moving = _said(201, {**RESOURCE, "properties": {"provisioningState": "Updating"}})
    other = _said(200, {"id": f"{PATH}/q", "properties": {"provisioningState": "Succeeded"}})
    arm, _ = _arm(moving, other)
    with pytest.raises(TargetUnavailable, match=r"PUT firewallPolicies/p: .* another resource, .*/q"):
        arm.put(ID, RESOURCE, "1")


@pytest.mark.parametrize("answer", NO_LIST.values(), ids=NO_LIST)
@pytest.mark.parametrize("page", [1, 2])
def test_what_is_no_page_of_a_list_is_unavailable_on_every_page(answer: Answer, page: int) -> None:
    first = _said(200, {"value": [RESOURCE], "nextLink": f"https://arm.example{PATH}?page=2&api-version=1"})
    arm, script = _arm(*[first][: page - 1], answer)
    with pytest.raises(TargetUnavailable, match=r"GET Microsoft.Network/firewallPolicies .*arm\.example"):
        list(arm.list(PATH, "1"))
    assert len(script.asked) == page


def _below(path: str) -> str:
    return path.replace("/providers/", "/resourceGroups/g/providers/") + "/x"


WIDE = "/subscriptions/s/providers/Microsoft.Network/firewallPolicies"
GROUPS = f"{ID}/ruleCollectionGroups"
RULES = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/outboundRules"
)
NOT_OF_THE_LIST = {
    "another subscription": (WIDE, {"id": _below(WIDE).replace("/s/", "/t/")}),
    "another group": (PATH, {"id": f"{PATH.replace('/g/', '/h/')}/p"}),
    "another type": (WIDE, {"id": _below(WIDE).replace("firewallPolicies", "azureFirewalls")}),
    "another type by its word": (WIDE, {"id": _below(WIDE), "type": "Microsoft.Network/azureFirewalls"}),
    "the list itself": (WIDE, {"id": WIDE}),
    "of another parent": (GROUPS, {"id": f"{PATH}/q/ruleCollectionGroups/r"}),
    "the parent": (GROUPS, {"id": ID}),
    "no resource": (GROUPS, {"id": "/subscriptions/s"}),
    "a rule without a name": (RULES, {"id": "w/outboundRules/a"}),
    "a resource of another subscription": (
        "/subscriptions/s/resources",
        {"id": "/subscriptions/t/resourceGroups/g/providers/Microsoft.Network/x/y"},
    ),
    "an item of a plain list without id": ("/subscriptions/s/resources", {"name": "x"}),
}
OF_THE_LIST = (
    (WIDE, {"id": _below(WIDE).upper(), "type": "microsoft.network/FIREWALLPOLICIES"}),
    (GROUPS, {"id": f"{ID}/ruleGroups/r", "type": "Microsoft.Network/FirewallPolicies/RuleGroups"}),
    (f"{ID}/providers/Microsoft.Insights/diagnosticSettings", {"id": None}),
    (RULES, {"id": "w/outboundRules/a", "name": "a"}),
    ("/subscriptions", {"id": "/subscriptions/t"}),
    ("/subscriptions/s/resourceGroups", {"id": "/subscriptions/S/resourceGroups/g"}),
)


@pytest.mark.parametrize(("path", "item"), NOT_OF_THE_LIST.values(), ids=NOT_OF_THE_LIST)
def test_an_item_that_cannot_stand_in_a_list_makes_it_none(path: str, item: dict[str, Any]) -> None:
    arm, _ = _arm(_said(200, {"value": [{"properties": {}, **item}]}))
    with pytest.raises(TargetUnavailable, match=r"GET \S+ was answered 200 by arm\.example with "):
        list(arm.list(path, "1"))


@pytest.mark.parametrize(("path", "item"), OF_THE_LIST)
def test_azures_own_spellings_of_items_are_taken(path: str, item: dict[str, Any]) -> None:
    arm, _ = _arm(_said(200, {"value": [{"properties": {}, **item}]}))
    assert len(list(arm.list(path, "1"))) == 1


def _page(number: int, *items: dict[str, Any], last: bool = False) -> Answer:
    link = {} if last else {"nextLink": f"https://arm.example{PATH}?page={number + 1}&api-version=1"}
    return _said(200, {"value": [*items], **link})


def test_pages_that_contradict_each_other_are_no_list() -> None:
    other = {**RESOURCE, "properties": {"threatIntelMode": "Off"}}
    arm, _ = _arm(_page(1, RESOURCE), _page(2, RESOURCE), _page(3, other, last=True))
    with pytest.raises(TargetUnavailable, match=r"firewallPolicies/p twice, and not the same"):
        list(arm.list(PATH, "1"))


def test_pages_without_an_end_that_bring_nothing_new_end() -> None:
    arm, script = _arm(*(_page(number) for number in range(300)))
    with pytest.raises(TargetUnavailable, match="100 pages in a row that hold nothing new"):
        list(arm.list(PATH, "1"))
    assert len(script.asked) == 100


def test_an_empty_array_is_an_answer() -> None:
    arm, _ = _arm(_said(200, {"value": []}))
    assert list(arm.list(PATH, "1")) == []


def test_a_next_link_that_was_followed_before_is_no_answer() -> None:
    page = {"value": [RESOURCE], "nextLink": f"https://arm.example{PATH}?api-version={VERSION}"}
    arm, script = _arm(_said(200, page))
    with pytest.raises(TargetUnavailable, match="followed before"):
        list(arm.list(PATH, "1"))
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "link",
    ["https://other.example/x", "http://arm.example/x", "https://arm.example:8443/x", "https://arm.example@other.example/x", "/x"],
)  # fmt: skip
def test_a_next_link_to_another_host_is_never_asked(link: str) -> None:
    arm, script = _arm(_said(200, {"value": [RESOURCE], "nextLink": link}))
    with pytest.raises(TargetUnavailable, match="another host"):
        list(arm.list(PATH, "1"))
    assert len(script.asked) == 1


def test_the_usual_port_and_letter_case_are_the_same_host() -> None:
    link = f"https://ARM.example:443{PATH}?page=2&api-version=1"
    arm, script = _arm(_said(200, {"value": [RESOURCE], "nextLink": link}), _said(200, {"value": []}))
    assert list(arm.list(PATH, "1")) == [RESOURCE]
    assert script.asked[1][1] == link


def test_a_token_goes_to_no_other_host_whoever_names_it() -> None:
    """The operation stands elsewhere: the resource itself is asked instead."""
    accepted = _said(201, RESOURCE, **{"azure-asyncoperation": "https://elsewhere.example/op"})
    arm, script = _arm(accepted, _said(200, {**RESOURCE, "properties": {"provisioningState": "Succeeded"}}))
    arm.put(ID, {}, "1")
    assert [url for _, url in script.asked] == [f"https://arm.example{ID}?api-version={VERSION}"] * 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": {}},
        {"data": ["x"]},
        {"value": []},
        {"data": [{"name": "x"}]},
        {"data": [], "count": 3},
        {"data": [], "resultTruncated": "true"},
        {"data": [], "$skipToken": 7},
    ],
)
def test_a_query_without_rows_in_an_array_is_no_answer(body: Any) -> None:
    arm, _ = _arm(_said(200, body))
    with pytest.raises(TargetUnavailable):
        list(arm.query("/providers/Microsoft.ResourceGraph/resources", {"query": "resources"}, "1"))


def test_a_query_is_a_read_and_is_asked_again_where_nothing_came() -> None:
    script = Script(TargetUnavailable("lost"), _said(200, {"data": [{"id": "a"}]}))
    arm = ArmClient("https://arm.example", lambda _: script, sleep=lambda _: None)
    assert list(arm.query("/providers/Microsoft.ResourceGraph/resources", {}, "1")) == [{"id": "a"}]


def test_a_token_of_a_query_that_was_given_before_is_no_answer() -> None:
    page = _said(200, {"data": [{"id": "a"}], "$skipToken": "t"})
    arm, script = _arm(page, page, page)
    with pytest.raises(TargetUnavailable, match="followed before"):
        list(arm.query("/providers/Microsoft.ResourceGraph/resources", {}, "1"))
    assert len(script.asked) == 2


NOT_ABOUT_THE_WRITE = {
    "a page of a proxy": HTML,
    "half an answer": Answer(200, {}, b'{"id": "/subsc'),
    "an array": _said(200, []),
    "a text": _said(200, "ok"),
    "an error inside": _said(200, {"error": {"code": "Throttled", "message": "later"}}),
    "another resource": _said(201, {**RESOURCE, "id": f"{PATH}/q"}),
    "another kind": _said(200, {**RESOURCE, "type": "Microsoft.Network/azureFirewalls"}),
}


@pytest.mark.parametrize("answer", NOT_ABOUT_THE_WRITE.values(), ids=NOT_ABOUT_THE_WRITE)
def test_an_answer_to_a_write_that_is_not_about_it_leaves_open_what_happened(answer: Answer) -> None:
    arm, script = _arm(answer)
    with pytest.raises(TargetUnavailable, match=r"PUT firewallPolicies/p was answered 20\d by arm\.example"):
        arm.put(ID, RESOURCE, "1")
    assert len(script.asked) == 1


@pytest.mark.parametrize("body", [None, {}, RESOURCE])
def test_what_azure_itself_answers_to_a_write_is_taken(body: Any) -> None:
    arm, _ = _arm(_said(200, body))
    assert arm.put(ID, RESOURCE, "1") == (body or {})


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("request_", ["get", "list", "query", "put", "delete"])
def test_a_refusal_without_a_code_of_azures_is_neither_a_right_nor_an_absence(
    request_: str, status: int
) -> None:
    arm, script = _arm(Answer(status, {"content-type": "text/html"}, b"<html>blocked by policy</html>"))
    with pytest.raises(
        TargetUnavailable, match=f"was answered {status} by arm.example with a body of type text/html"
    ):
        REQUESTS[request_](arm)
    assert len(script.asked) == 1


REQUESTS: dict[str, Callable[[ArmClient], object]] = {
    "get": lambda arm: arm.get(ID, VERSION),
    "list": lambda arm: list(arm.list(PATH, VERSION)),
    "query": lambda arm: list(arm.query("/providers/Microsoft.ResourceGraph/resources", {}, "2022-10-01")),
    "put": lambda arm: arm.put(ID, RESOURCE, VERSION),
    "patch": lambda arm: arm.patch(ID, RESOURCE, VERSION),
    "post": lambda arm: arm.post(f"{ID}/deploy", {}, VERSION),
    "delete": lambda arm: arm.delete(ID, VERSION),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_redirect_of_any_request_is_said_and_neither_followed_nor_sent_again(
    request_: Callable[[ArmClient], object], status: int
) -> None:
    arm, script = _arm(_said(status, None, location="https://login.proxy.example/?next=x"))
    with pytest.raises(TargetUnavailable, match=r"arm\.example with a redirect to login\.proxy\.example"):
        request_(arm)
    assert len(script.asked) == 1
