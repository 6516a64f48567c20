"""Microsoft.ResourceGraph: queries over the resources of all subscriptions a caller may see.

Shapes as in the REST API 2022-10-01: rows as objects or as a table, pages of at most 1,000 with ``$skipToken``.
Which part of the query language is understood stands in :mod:`~allowlist.simulator.resourcegraph.pipeline`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from allowlist.simulator.arm.address import parse_address
from allowlist.simulator.arm.message import Reply, json_reply
from allowlist.simulator.arm.provider import Call, Kind, Provider
from allowlist.simulator.arm.refusals import Refusal, front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.resourcegraph.language import QueryError
from allowlist.simulator.resourcegraph.pipeline import run_query

__all__ = ["MicrosoftResourceGraph"]

_MOST_ROWS = 1_000
_ROWS = 100
_SEPARATOR = "\x1f"


class MicrosoftResourceGraph(Provider):
    namespace = "Microsoft.ResourceGraph"

    def __init__(self) -> None:
        super().__init__({})
        self._providers: Mapping[str, Provider] = {}

    def meet(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def special(self, call: Call) -> Reply | None:
        if call.method != "POST" or [each.lower() for each in call.address.segments] != ["resources"]:
            return None
        sent = call.document()
        tables = {
            "resources": lambda: self._rows(call, sent),
            "resourcecontainers": lambda: _containers(call, sent),
        }
        try:
            rows = run_query(str(sent.get("query") or ""), tables)
        except QueryError as error:
            raise _invalid(str(error)) from None
        return json_reply(200, _answer(rows, sent.get("options") or {}))

    def _rows(self, call: Call, sent: Body) -> Iterator[Body]:
        """Top-level resources, as their own provider would show them."""
        wanted = _subscriptions(call, sent)
        for resource in call.arm.store:
            address = parse_address(resource.id)
            if len(address.segments) == 2 and not address.scope and address.subscription.lower() in wanted:
                yield self._row(call, resource)

    def _row(self, call: Call, resource: Resource) -> Body:
        address = parse_address(resource.id)
        provider = self._providers.get(address.namespace.lower())
        kind = (provider.kind(address.type_path) if provider else None) or Kind()
        shown = kind.shown(resource, replace(call, address=address, method="GET"))
        owner = call.arm.store.subscriptions[address.subscription.lower()]
        return {
            "id": resource.id,
            "name": address.name,
            "type": f"{address.namespace}/{address.type_path}".lower(),
            "tenantId": owner["tenantId"],
            "kind": str(shown.get("kind") or ""),
            "location": str(shown.get("location") or "").replace(" ", "").lower(),
            "resourceGroup": address.group.lower(),
            "subscriptionId": address.subscription,
            **{name: shown.get(name) for name in ("managedBy", "sku", "plan", "tags", "identity", "zones")},
            "properties": shown.get("properties"),
        }


def _containers(call: Call, sent: Body) -> Iterator[Body]:
    """Subscriptions and resource groups."""
    wanted, store = _subscriptions(call, sent), call.arm.store
    for key in wanted:
        found = store.subscriptions[key]
        base = {"subscriptionId": found["subscriptionId"], "tenantId": found["tenantId"]}
        yield {
            **base,
            "id": found["id"],
            "name": found["displayName"],
            "type": "microsoft.resources/subscriptions",
            "properties": {"state": found["state"]},
        }
        for path, group in store.groups.items():
            if path.startswith(f"/subscriptions/{key}/"):
                kind = "microsoft.resources/subscriptions/resourcegroups"
                yield {**base, **group, "type": kind, "resourceGroup": str(group["name"]).lower()}


def _subscriptions(call: Call, sent: Body) -> list[str]:
    """Those asked for, or all, that the caller's tenant owns; others are left out without a word."""
    store = call.arm.store
    asked = {str(each).lower() for each in sent.get("subscriptions") or store.subscriptions}
    return [
        key
        for key, each in store.subscriptions.items()
        if key in asked and store.opens(call.caller.tenant, each)
    ]


def _answer(rows: list[Body], options: Body) -> Body:
    top = min(int(options.get("$top") or options.get("top") or _ROWS), _MOST_ROWS)
    token = options.get("$skipToken") or options.get("skipToken")
    start = _read_token(token) if token else int(options.get("$skip") or options.get("skip") or 0)
    page = rows[start : start + top]
    answer: Body = {
        "totalRecords": len(rows),
        "count": len(page),
        "resultTruncated": "false",
        "facets": [],
        "data": _table(page) if options.get("resultFormat") == "table" else page,
    }
    if start + top < len(rows):
        answer["$skipToken"] = _token(start + top)
    return answer


def _table(page: list[Body]) -> Body:
    columns = list(dict.fromkeys(name for row in page for name in row))
    named = [{"name": name, "type": "object"} for name in columns]
    return {"columns": named, "rows": [[row.get(name) for name in columns] for row in page]}


def _token(start: int) -> str:
    return urlsafe_b64encode(f"graph{_SEPARATOR}{start}".encode()).decode()


def _read_token(token: Any) -> int:
    try:
        return int(urlsafe_b64decode(str(token)).decode().split(_SEPARATOR)[1])
    except (ValueError, IndexError):
        raise _invalid("The skip token is not the one that was given out.") from None


def _invalid(message: str) -> Refusal:
    details = [("InvalidQuery", message)]
    return front_door(
        400, "BadRequest", "Please provide below info when asking for support.", details=details
    )
