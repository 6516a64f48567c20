"""What is an answer to a read, and what is none.

The absence of an answer is not an answer of absence: an empty page, a page of a proxy, or half a list must never
read as "there are no rules". ``{"value": []}`` is an answer; nothing less is. Whatever does not look like what ARM
documents (https://github.com/cloud-and-ai-microsoft/resource-provider-contract, v1.0, "Get Resource" and "Get
Resources": 200, ``id``, ``properties``, ``value``, ``nextLink``) raises TargetUnavailable, said with host and request.
So does another resource than the one that was asked for, in a list too: 320 recorded reads, 166 answers to a PUT and 40
items of lists (2023 to 2026) came with the id they were asked by or stood below what was listed, letter case aside. And
so does a refusal that is none of Azure's: its own name a code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from allowlist.azure.answers import Answer, error_detail
from allowlist.documents.words import counted
from allowlist.errors import TargetUnavailable

Body = dict[str, Any]

_NO_ID: Final = ("managednetworks", "outboundrules", "outboundnetworkdependenciesendpoints")
"""Types whose bodies carry no id, or a malformed one (exchanges recorded 2026-04-07; rest-api-specs issue 28982)."""

_NO_PROPERTIES: Final = ("/microsoft.insights/", "/microsoft.resources/")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_IN_THE_WAY: Final = "is a proxy or its sign-in page in the way? see HTTPS_PROXY and NO_PROXY"
_IDLE_PAGES: Final = 100
"""So many pages one after the other without anything new are no list: each leads to another for ever."""


def resource_of(answer: Answer, url: str, what: str) -> Body:
    """The one resource that a GET was answered with."""
    body = _object(answer, url, what)
    _check_resource(body, url, what)
    if is_another(body, url):
        asked = unquote(urlsplit(url).path)
        raise no_answer(
            answer, url, what, f"with another resource, {body['id']}, where {asked} was asked for"
        )
    return body


def is_another(body: Body, url: str) -> bool:
    """Does ``body`` carry the id of another resource than the one ``url`` asks for?

    Names decide, and for a whole id the type of the outermost resource: services spell ids in other letters, leave the
    first slash out, or call a child by an older type (``ruleGroups``).
    """
    path, said = urlsplit(url).path.lower(), body.get("id")
    if "/providers/" not in path:
        return False
    asked = _segments(path)
    if _is_of_another_type(body, asked):
        return True
    if _may_lack_id(path):
        name = body.get("name")
        return isinstance(name, str) and name.lower() not in ("", asked[-1])
    if not isinstance(said, str) or not said:
        return False
    came = _segments(said)
    if came[0] != "subscriptions" or asked[0] != "subscriptions":
        return came[-1:] != asked[-1:]
    outermost = asked.index("providers") + 2
    return asked[1::2] != came[1::2] or asked[outermost] != came[outermost]


def is_elsewhere(item: Body, url: str) -> bool:
    """Does ``item`` carry an id that cannot stand in the list that ``url`` asks for?

    Of a list below a resource the names up to that resource decide, of a list of a scope the scope and the type.
    """
    path, said = urlsplit(url).path.lower(), item.get("id")
    if not isinstance(said, str):
        return False
    asked, came = _segments(path), _segments(said)
    if "/providers/" not in path:  # the resources or the groups of a subscription
        return asked[0] == "subscriptions" and asked[:2] != came[: min(2, len(asked))]
    if not _is_list_of_resources(path):
        return False
    if "providers" not in came or asked[0] != came[0] or _is_of_another_type(item, asked):
        return True
    outermost, there = asked.index("providers"), came.index("providers")
    if asked[outermost + 1 : outermost + 3] != came[there + 1 : there + 3]:
        return True
    if len(asked) == outermost + 3:
        return asked[1:outermost:2] != came[1 : min(there, outermost) : 2] or len(came) <= there + 3
    return asked[1::2] != came[1 : len(asked) : 2] or len(came) <= len(asked)


def _is_of_another_type(body: Body, asked: list[str]) -> bool:
    """By provider and outermost type: below it the older names of types are still in use."""
    said = body.get("type")
    last = len(asked) - 1 - asked[::-1].index("providers")
    return isinstance(said, str) and "/" in said and said.lower().split("/")[:2] != asked[last + 1 : last + 3]


def _is_list_of_resources(path: str) -> bool:
    is_told_by_id = not _may_lack_id(path) and not any(part in path for part in _NO_PROPERTIES)
    return path.startswith("/subscriptions/") and "/providers/" in path and is_told_by_id


def _segments(resource_id: str) -> list[str]:
    return [part for part in unquote(resource_id).lower().split("/") if part] or [""]


def page_of(answer: Answer, url: str, what: str) -> tuple[list[Body], str]:
    """The items of one page, and the link to the next one; empty where this is the last."""
    body = _object(answer, url, what)
    items, following = body.get("value"), body.get("nextLink")
    if not isinstance(items, list):
        raise no_answer(answer, url, what, "with a list that has no array 'value'")
    if following is not None and not isinstance(following, str):
        raise no_answer(answer, url, what, "with a nextLink that is no text")
    for item in items:
        if not isinstance(item, dict):
            raise no_answer(answer, url, what, "with a list that holds something else than objects")
        if not (isinstance(item.get("id"), str) and item["id"]) and "/providers/" not in url.lower():
            raise no_answer(answer, url, what, "with an item without an id")
        _check_resource(item, url, what)
        if _is_nameless_rule(item, url):
            raise no_answer(answer, url, what, "with a resource without a name")
        if is_elsewhere(item, url):
            of_type = f" of type {item['type']}" if isinstance(item.get("type"), str) else ""
            raise no_answer(answer, url, what, f"with {item.get('id')}{of_type}, which is not of that list")
    return items, following or ""


def rows_of(answer: Answer, url: str, what: str) -> tuple[list[Body], str]:
    """The rows of one answer of Resource Graph, and its skip token; empty at the end.

    https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources, ``QueryResponse``.
    """
    body = _object(answer, url, what)
    rows, token = body.get("data"), body.get("$skipToken") or ""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_answer(answer, url, what, "without an array 'data' of objects")
    if not all(isinstance(row.get("id"), str) and row["id"] for row in rows):
        raise no_answer(answer, url, what, "with a row without an id")
    if not isinstance(token, str):
        raise no_answer(answer, url, what, "with a skip token that is no text")
    if not token and str(body.get("resultTruncated")).lower() == "true":
        raise no_answer(answer, url, what, "with a part of the rows and no way to the others")
    if type(body.get("count")) is int and body["count"] != len(rows):
        raise no_answer(
            answer, url, what, f"with {counted(len(rows), 'row')} where it counts {body['count']}"
        )
    return rows, token


@dataclass(slots=True)
class Pages:
    """What the pages of one answer said so far. Raises TargetUnavailable where they lead nowhere or contradict each other."""

    what: str
    links: set[str]
    items: dict[object, Body] = field(default_factory=dict)
    idle: int = 0

    def add(self, answer: Answer, url: str, items: list[Body], following: str) -> list[Body]:
        """``items`` as they came; ``following`` is the link or the token to the next page."""
        known = len(self.items)
        for item in items:
            said = "" if _may_lack_id(urlsplit(url).path.lower()) else str(item.get("id") or "")
            if self.items.setdefault(said.lower() or id(item), item) != item:
                how = f"with {said} twice, and not the same"
                raise no_answer(
                    answer, url, self.what, how, hint="it was changed while it was listed; try again"
                )
        self.idle = self.idle + 1 if len(self.items) == known else 0
        if following in self.links:
            raise no_answer(answer, url, self.what, "with a way to the next page that was followed before")
        if following and self.idle >= _IDLE_PAGES:
            raise no_answer(
                answer, url, self.what, f"with {counted(self.idle, 'page')} in a row that hold nothing new"
            )
        self.links.add(following)
        return items


def refuse_foreign(answer: Answer, url: str, what: str) -> None:
    """A refusal by something that stands before Azure: that nothing may be read, or is there, is not Azure's word.

    Azure names a code in every error (resource provider contract, "Error Response"); a gateway sends a page.
    """
    is_page = "html" in answer.headers.get("content-type", "")
    is_believed = answer.status in (403, 404) or (is_page and answer.status < 500 and answer.status != 429)
    if is_believed and not error_detail(answer.body).code:
        raise no_answer(answer, url, what, f"with {_shown(answer)}", hint=_IN_THE_WAY)


def check_written(answer: Answer, method: str, url: str, what: str) -> None:
    """An answer to a PUT or PATCH is about what was sent. ``null``, ``{}`` and an empty body, Azure's too, say nothing.

    Raises TargetUnavailable: what became of the write is to be found out.
    """
    if answer.status not in (200, 201) or not answer.body.strip():
        return
    try:
        body = answer.json()
    except TargetUnavailable:
        raise no_answer(answer, url, what, f"with {_kind_of(answer)}", hint=_IN_THE_WAY) from None
    if body is not None and not isinstance(body, dict):
        raise no_answer(answer, url, what, f"with {_beginning(answer)}")
    if body and "error" in body and "properties" not in body:
        raise no_answer(answer, url, what, f"and an error inside ({_said(answer)})")
    if body and method in ("PUT", "PATCH") and is_another(body, url):
        raise no_answer(answer, url, what, f"with another resource, {body.get('id') or body.get('name')}")


def _shown(answer: Answer) -> str:
    if not answer.body.strip():
        return "an empty body"
    try:
        answer.json()
    except TargetUnavailable:
        return _kind_of(answer)
    return "no error of Azure's"


def refuse_redirect(answer: Answer, url: str, what: str) -> None:
    """ARM answers where it is asked; whoever sends elsewhere is a proxy or a sign-in page."""
    if 300 <= answer.status < 400:
        host = urlsplit(answer.headers.get("location", "")).hostname or "nowhere"
        raise no_answer(
            answer, url, what, f"with a redirect to {host}, which is not followed", hint=_IN_THE_WAY
        )  # fmt: skip


def is_same_host(url: str, endpoint: str) -> bool:
    """Does ``url`` lead to ``endpoint``'s scheme, host and port? Only there a token may go."""
    try:
        return _origin(url) == _origin(endpoint)
    except ValueError:
        return False


def no_answer(answer: Answer, url: str, what: str, how: str, hint: str = "") -> TargetUnavailable:
    """``how`` continues "was answered 200 by host …"."""
    return TargetUnavailable(
        f"{what} was answered {answer.status} by {host_of(url)} {how}: that says nothing about what is there",
        status=answer.status,
        hint=hint or "try again; if it stays so, look at what stands between here and Azure",
    )


def host_of(url: str) -> str:
    """Host and, where it is not the usual one, port."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme, 0)


def _object(answer: Answer, url: str, what: str) -> Body:
    if answer.status != 200:
        raise no_answer(answer, url, what, "where 200 belongs")
    if not answer.body.strip():
        raise no_answer(answer, url, what, "with an empty body")
    try:
        body = answer.json()
    except TargetUnavailable:
        raise no_answer(answer, url, what, f"with {_kind_of(answer)}") from None
    if not isinstance(body, dict) or not body:
        raise no_answer(answer, url, what, f"with {_beginning(answer)}")
    if "error" in body and "properties" not in body and "value" not in body:
        raise no_answer(answer, url, what, f"and an error inside ({_said(answer)})")
    return body


def _beginning(answer: Answer) -> str:
    return answer.body.strip()[:20].decode("utf-8", "replace")


def _said(answer: Answer) -> str:
    detail = error_detail(answer.body)
    return ": ".join(text for text in (detail.code, detail.message) if text) or "no reason given"


def _kind_of(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return f"a body of type {kind}" if kind and "json" not in kind else "what is no complete JSON"


def _check_resource(body: Body, url: str, what: str) -> None:
    path = urlsplit(url).path.lower()
    if "/providers/" not in path or any(part in path for part in _NO_PROPERTIES):
        return
    lacking = [] if isinstance(body.get("properties"), dict) else ["properties"]
    if not (isinstance(body.get("id"), str) and body["id"]) and not _may_lack_id(path):
        lacking.insert(0, "id")
    if lacking:
        raise TargetUnavailable(
            f"{what} was answered by {host_of(url)} with a resource without {' and '.join(lacking)}: "
            "that says nothing about what is there",
            status=200,
        )


def _is_nameless_rule(item: Body, url: str) -> bool:
    """Rules of a workspace are told apart by name alone: their ids are malformed."""
    is_rule = _segments(urlsplit(url).path)[-3::2] == ["workspaces", "outboundrules"]
    return is_rule and not (isinstance(item.get("name"), str) and item["name"])


def _may_lack_id(path: str) -> bool:
    parts = path.strip("/").split("/")
    return any(part in _NO_ID for part in parts[-2:])
