"""What is an answer to a read, and what is none.

The absence of an answer is not an answer of absence: an empty page, a page of a proxy, or half a list must never
read as "there are no rules". ``{"value": []}`` is an answer; nothing less is. Whatever does not look like what ARM
documents (https://github.com/cloud-and-ai-microsoft/resource-provider-contract, v1.0, "Get Resource" and "Get
Resources": 200, ``id``, ``properties``, ``value``, ``nextLink``) raises TargetUnavailable, said with host and request.
So does another resource than the one that was asked for: 320 recorded reads (2023 to 2026) came with the id they were
asked by, letter case aside.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from allowlist.azure.answers import Answer, error_detail
from allowlist.errors import TargetUnavailable

Body = dict[str, Any]

_NO_ID: Final = ("managednetworks", "outboundrules", "outboundnetworkdependenciesendpoints")
"""Types whose bodies carry no id, or a malformed one (exchanges recorded 2026-04-07; rest-api-specs issue 28982)."""

_NO_PROPERTIES: Final = ("/microsoft.insights/", "/microsoft.resources/")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


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
    if "/providers/" not in path or _may_lack_id(path) or not isinstance(said, str) or not said:
        return False
    asked, came = _segments(path), _segments(said)
    if came[0] != "subscriptions" or asked[0] != "subscriptions":
        return came[-1:] != asked[-1:]
    outermost = asked.index("providers") + 2
    return asked[1::2] != came[1::2] or asked[outermost] != came[outermost]


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
        _check_resource(item, url, what)
    return items, following or ""


def rows_of(answer: Answer, url: str, what: str) -> tuple[list[Body], str]:
    """The rows of one answer of Resource Graph, and its skip token; empty at the end."""
    body = _object(answer, url, what)
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_answer(answer, url, what, "without an array 'data' of objects")
    return rows, str(body.get("$skipToken") or "")


def refuse_redirect(answer: Answer, url: str, what: str) -> None:
    """ARM answers where it is asked; whoever sends elsewhere is a proxy or a sign-in page."""
    if 300 <= answer.status < 400:
        host = urlsplit(answer.headers.get("location", "")).hostname or "nowhere"
        raise no_answer(
            answer, url, what, f"with a redirect to {host}, which is not followed",
            hint="is a proxy or its sign-in page in the way? see HTTPS_PROXY and NO_PROXY",
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
        text = answer.body.strip()[:20].decode("utf-8", "replace")
        raise no_answer(answer, url, what, f"with {text}")
    if "error" in body and "properties" not in body and "value" not in body:
        detail = error_detail(answer.body)
        said = ": ".join(text for text in (detail.code, detail.message) if text) or "no reason given"
        raise no_answer(answer, url, what, f"and an error inside ({said})")
    return body


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


def _may_lack_id(path: str) -> bool:
    parts = path.strip("/").split("/")
    return any(part in _NO_ID for part in parts[-2:])
