"""Who is let in to a served screen: only the holder of a link, only from its own page, only under its own name."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from allowlist.errors import AllowlistError
from allowlist_tui.web import serve
from tests.helpers.served import SMALL_APP, Served, is_alive, served, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def link(server: Served) -> str:
    return server.link()


@pytest.fixture(scope="module")
def origin(link: str) -> str:
    return f"http://{urlsplit(link).netloc}"


@pytest.fixture(scope="module")
def visitor(server: Served, link: str) -> Iterator[httpx.Client]:
    """Somebody who used the link."""
    with httpx.Client(follow_redirects=True) as client:
        assert client.get(link).status_code == 200
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/static/js/textual.js", "/page/page.css", "/download/x", "/else"]
)
def test_nothing_is_served_without_the_link(origin: str, path: str) -> None:
    answer = httpx.get(origin + path)
    assert answer.status_code == 401
    assert "each link works once" in answer.text


def test_a_guessed_token_opens_nothing(origin: str) -> None:
    answer = httpx.get(origin, params={"token": "ä" * 43})
    assert answer.status_code == 403
    assert not answer.cookies


def test_the_token_is_gone_from_the_address_after_the_first_use(visitor: httpx.Client, origin: str) -> None:
    page = visitor.get(origin)
    assert page.status_code == 200
    assert "token" not in page.text
    assert page.url.query == b""


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    server: Served, origin: str, visitor: httpx.Client
) -> None:
    fresh = server.link()
    cookie = httpx.get(fresh).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_link_works_once_and_the_next_one_is_printed(
    server: Served, visitor: httpx.Client, link: str
) -> None:
    answer = httpx.get(link)
    assert answer.status_code == 403
    assert "used already" in answer.text
    assert visitor.get(link).status_code == 200, "who has been let in may follow the old link again"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1;x", "", "[::1"])  # fmt: skip
def test_a_name_that_may_be_a_strangers_is_not_answered(
    visitor: httpx.Client, origin: str, host: str
) -> None:
    answer = visitor.get(origin, headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "textual" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "[::1]:8000", "127.0.0.1:1"])
def test_a_tunnel_to_another_local_port_is_answered(visitor: httpx.Client, origin: str, host: str) -> None:
    """``ssh -L 9000:127.0.0.1:8484`` makes the browser say another port."""
    assert visitor.get(origin, headers={"Host": host}).status_code == 200


def websocket(visitor: httpx.Client, origin: str, headers: dict[str, str]) -> int:
    """The status with which a websocket is refused, or 101."""

    async def ask() -> int:
        async with aiohttp.ClientSession(cookies=dict(visitor.cookies)) as session:
            try:
                async with session.ws_connect(f"{origin}/ws", headers=headers) as socket:
                    await socket.receive()
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
    ],
    ids=str,
)
def test_only_the_own_page_may_open_the_websocket(
    visitor: httpx.Client, origin: str, headers: dict[str, str]
) -> None:
    assert websocket(visitor, origin, headers) == 403


def test_the_own_page_without_the_cookie_may_not(origin: str) -> None:
    with httpx.Client() as stranger:
        assert websocket(stranger, origin, {"Origin": origin}) == 401


def test_a_rebound_name_may_not_open_the_websocket_even_with_the_cookie(
    visitor: httpx.Client, origin: str
) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert websocket(visitor, origin, headers) == 421


def test_on_an_open_address_only_addresses_and_own_names_are_answered() -> None:
    with served(host="0.0.0.0") as server, httpx.Client(follow_redirects=True) as visitor:
        warning = server.hear("warning: .*")
        assert "plain http" in warning
        link = server.link()
        assert visitor.get(link).status_code == 200
        assert visitor.get(link, headers={"Host": "10.1.2.3:8484"}).status_code == 200
        assert visitor.get(link, headers={"Host": "evil.example"}).status_code == 421


def test_the_session_process_ends_with_the_websocket(
    server: Served, visitor: httpx.Client, origin: str
) -> None:
    assert websocket(visitor, origin, {"Origin": origin}) == 101
    wait_until(lambda: not server.children(), "the session ends")


def test_what_a_session_saves_is_downloaded_and_never_shown_as_a_page(
    visitor: httpx.Client, origin: str
) -> None:
    answer = asyncio.run(_saved(visitor, origin))
    assert answer.headers["content-disposition"] == "attachment; filename=screen.svg"
    assert "key&#160;s" in answer.text


def test_every_answer_forbids_what_the_page_does_not_need(visitor: httpx.Client, origin: str) -> None:
    for path in ("/", "/static/js/textual.js", "/nothing"):
        headers = visitor.get(origin + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_taken_port_is_an_error_with_a_next_step(origin: str) -> None:
    port = urlsplit(origin).port
    assert port
    with pytest.raises(AllowlistError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
        serve([sys.executable, str(SMALL_APP)], host="127.0.0.1", port=port, say=print)
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=str)
def test_no_session_outlives_its_server(number: int) -> None:
    with served() as server, httpx.Client(follow_redirects=True) as visitor:
        link = server.link()
        origin = f"http://{urlsplit(link).netloc}"
        visitor.get(link)
        child = asyncio.run(_open_and_kill(visitor, origin, server, number))
        assert server.process.returncode == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        wait_until(lambda: not is_alive(child), "the session ends")


def test_a_session_that_will_not_quit_is_ended_with_everything_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STUBBORN", "1")
    with served() as server, httpx.Client(follow_redirects=True) as visitor:
        link = server.link()
        visitor.get(link)
        asyncio.run(_with_a_child(visitor, f"http://{urlsplit(link).netloc}", server))


async def _saved(visitor: httpx.Client, origin: str) -> httpx.Response:
    async with (
        aiohttp.ClientSession(cookies=dict(visitor.cookies)) as session,
        session.ws_connect(f"{origin}/ws", headers={"Origin": origin}) as socket,
    ):
        await _screen(socket, b"small screen")
        await socket.send_json(["stdin", "s"])
        async for message in socket:
            if isinstance(message.data, str):
                _, key = message.json()
                return await asyncio.to_thread(visitor.get, f"{origin}/download/{key}")
    pytest.fail("nothing was delivered")


async def _open_and_kill(visitor: httpx.Client, origin: str, server: Served, number: int) -> int:
    async with (
        aiohttp.ClientSession(cookies=dict(visitor.cookies)) as session,
        session.ws_connect(f"{origin}/ws", headers={"Origin": origin}) as socket,
    ):
        assert b"small screen" in await _screen(socket, b"small screen")
        (child,) = server.children()
        await asyncio.to_thread(server.interrupt, number)
        return child


async def _with_a_child(visitor: httpx.Client, origin: str, server: Served) -> None:
    async with (
        aiohttp.ClientSession(cookies=dict(visitor.cookies)) as session,
        session.ws_connect(f"{origin}/ws", headers={"Origin": origin}) as socket,
    ):
        await _screen(socket, b"small screen")
        await socket.send_json(["stdin", "n"])
        await _screen(socket, b"key n")
        (screen,) = server.children()
        group = os.getpgid(screen)
    await asyncio.to_thread(wait_until, lambda: not _members(group), "the whole group ends")


def _members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


async def _screen(socket: aiohttp.ClientWebSocketResponse, text: bytes) -> bytes:
    """What is written to the page until ``text`` comes."""
    seen = b""
    async with asyncio.timeout(30):
        async for message in socket:
            seen += message.data if isinstance(message.data, bytes) else b""
            if text in seen:
                break
    return seen
