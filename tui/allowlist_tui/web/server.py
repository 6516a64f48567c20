"""``textual-serve`` with a door in front: one link, one cookie, no foreign page, no outside host, no process left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path

import aiohttp_jinja2
from aiohttp import WSCloseCode, web
from textual_serve.server import Server, to_int

from allowlist.errors import AllowlistError
from allowlist_tui.web.access_guard import AccessGuard, Refused, is_loopback
from allowlist_tui.web.session import Say, Session

DEFAULT_PORT = 8484

_PAGE = Path(str(files("allowlist_tui.web"))) / "page"
_HEARTBEAT_SECONDS = 15.0
_SHUTDOWN_SECONDS = 20.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    # xterm.js writes style elements of its own, hence 'unsafe-inline' for styles and for nothing else.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "clipboard-read=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def serve(command: Sequence[str], *, host: str, port: int, say: Say, title: str = "allowlist review") -> None:
    """Serve ``command`` to browsers until Ctrl-C. ``port`` 0 takes a free one; ``say`` writes to stderr.

    Raises AllowlistError when it cannot listen there.
    """
    with contextlib.closing(_listen(host, port)) as listening:
        ReviewServer(command, host, listening, say, title).serve()


class ReviewServer(Server):
    """Each websocket gets a process of its own, ended with it."""

    def __init__(
        self, command: Sequence[str], host: str, listening: socket.socket, say: Say, title: str
    ) -> None:
        super().__init__(command[0], host, listening.getsockname()[1], title, templates_path=_PAGE)
        self._words = tuple(command)
        self._listening = listening
        self._say = say
        self._access_guard = AccessGuard(host, cookie_name=f"allowlist_review_{self.port}")
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def link(self) -> str:
        """The address to open once."""
        name = "127.0.0.1" if self.host in ("", "0.0.0.0") else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/?token={self._access_guard.link_token}"

    def serve(self, debug: bool = False) -> None:
        """Until Ctrl-C, a polite kill or a closed terminal."""
        del debug
        loop = asyncio.new_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.request_exit)
        web.run_app(
            self._make_app(),
            sock=self._listening,
            handle_signals=False,
            loop=loop,
            print=None,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    async def on_startup(self, app: web.Application) -> None:
        del app
        if not is_loopback(self.host):
            self._say("warning: this is plain http; whoever can read the network between can take part")
        self._invite("open")

    async def on_shutdown(self, app: web.Application) -> None:
        del app
        goodbyes = [item.close(code=WSCloseCode.GOING_AWAY) for item in self._sockets]
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        if "token" in request.query:
            return self._let_in(request)
        context = {
            "font_size": max(6, min(to_int(request.query.get("fontsize", "16"), 16), 72)),
            "title": self.title,
            "socket": _socket_url(request),
        }
        return aiohttp_jinja2.render_template("index.html", request, context)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        if "Origin" not in request.headers:
            raise Refused(403, "only a page of this server may do that")
        socket_ = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS)
        await socket_.prepare(request)
        session = Session(self._words, socket_, self.download_manager, self._say)
        self._sockets.add(socket_)
        try:
            await session.start(
                to_int(request.query.get("width", "80"), 80), to_int(request.query.get("height", "24"), 24)
            )
            await self._process_messages(socket_, session)
        finally:
            self._sockets.discard(socket_)
            await asyncio.shield(session.stop())
        return socket_

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        app.on_response_prepare.append(_harden)
        app.router.add_static("/page", _PAGE, name="page")
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._access_guard.check_sender(request)
            if not (request.path == "/" and "token" in request.query):
                self._access_guard.check_visitor(request)
            return await handler(request)
        except Refused as refused:
            return web.Response(status=refused.status, text=f"{refused}\n")

    def _let_in(self, request: web.Request) -> web.Response:
        answer = web.Response(status=303, headers={"Location": "/"})
        if self._access_guard.knows(request):
            return answer
        cookie = self._access_guard.admit(request.query["token"])
        # Lax, not Strict: with Strict a link opened from a terminal inside a web page would lose its cookie on the
        # way. What Lax lets through is the bare page; the websocket asks for the origin besides.
        answer.set_cookie(self._access_guard.cookie_name, cookie, httponly=True, samesite="Lax", path="/")
        self._invite("the link was used; another one is")
        return answer

    def _invite(self, words: str) -> None:
        self._say(f"{words} {self.link} (works once; Ctrl-C ends the review)")


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value.replace("{socket}", _socket_url(request))
    disposition = response.headers.get("Content-Disposition", "")
    if disposition.startswith("inline"):
        # What a session saves may hold foreign text; it is never opened as a page of this server.
        response.headers["Content-Disposition"] = disposition.replace("inline", "attachment", 1)


def _socket_url(request: web.Request) -> str:
    return f"ws://{request.host}/ws"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise AllowlistError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="choose another port with --port; 0 takes a free one",
        ) from None
