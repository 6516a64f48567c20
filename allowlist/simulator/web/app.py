"""The web application: Azure Resource Manager, the sign-in service and the control endpoint on one host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.routing import Route

from allowlist.simulator.arm.message import Reply, Request
from allowlist.simulator.simulator import Simulator
from allowlist.simulator.web.control import control_routes
from allowlist.simulator.web.identity import identity_routes

_METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]
_TRANSPORT = "allowlist.transport"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def build_app(simulator: Simulator, hosts: Sequence[str] = ("127.0.0.1",)) -> Asgi:
    """An ASGI application; everything that is neither sign-in nor control goes to ARM.

    ``hosts`` are the names it goes by: requests that name another host than those or this machine are refused, and so
    are those of a page from elsewhere, lest a web page that a browser shows reads and writes here.
    """

    async def arm(web_request: WebRequest) -> Response:
        request = await read_request(web_request)
        reply = simulator.handle(request)
        await _answer_late(simulator, reply.delay)
        return await send(web_request, reply)

    routes = [
        *control_routes(simulator),
        *identity_routes(simulator),
        Route("/{path:path}", arm, methods=_METHODS),
    ]
    return _with_transport(_guarded(Starlette(routes=routes), hosts))


def _guarded(app: Asgi, hosts: Sequence[str]) -> Asgi:
    names = {*_LOOPBACK, *(host.lower() for host in hosts)}

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())
        }
        origin = headers.get("origin", "")
        fits = _host_of(f"//{headers.get('host', '')}") in names and (not origin or _host_of(origin) in names)
        if fits or scope["type"] != "http":
            await app(scope, receive, send)
            return
        refusal = Response('{"error": {"code": "Forbidden", "message": "host or origin refused"}}', 403)
        await refusal(scope, receive, send)

    return wrapped


def _host_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def _with_transport(app: Asgi) -> Asgi:
    """Let a handler reach the connection: ASGI has no way to say "hang up"."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return wrapped


async def read_request(web_request: WebRequest) -> Request:
    scope = web_request.scope
    return Request(
        method=web_request.method,
        path=scope.get("raw_path", scope["path"].encode()).decode("latin-1").split("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=dict(web_request.headers),
        body=await web_request.body(),
        base_url=base_url_of(web_request),
    )


def base_url_of(web_request: WebRequest) -> str:
    """Scheme and host as the caller named them: every absolute URL leads back to the same host."""
    host = web_request.headers.get("host") or web_request.url.netloc
    return f"{web_request.url.scheme}://{host}"


async def _answer_late(simulator: Simulator, seconds: float) -> None:
    """Wait that long, or until the simulator is asked to hurry."""
    if seconds <= 0:
        return
    asked = asyncio.Event()
    wake = partial(asyncio.get_running_loop().call_soon_threadsafe, asked.set)
    with simulator.late(wake), suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), seconds)


async def send(web_request: WebRequest, reply: Reply) -> Response:
    if reply.drop:
        await _hang_up(web_request)
        return Response(status_code=500)
    return Response(content=reply.body, status_code=reply.status, headers=reply.headers)


async def _hang_up(web_request: WebRequest) -> None:
    transport = web_request.scope.get(_TRANSPORT)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)
