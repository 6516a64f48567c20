"""The page of a plan with decisions on it, served to several people at once; each sees what the others decide.

Nobody comes in without a sign-in (OpenID Connect) or the one-time link that was printed. What decides needs the cookie
of a sitting, the token that only its page holds, and an origin that is ours.
"""

from __future__ import annotations

import asyncio
import html
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from allowlist.documents.words import counted
from allowlist.errors import AllowlistError
from allowlist.plan.model import Plan
from allowlist.render.pages import environment
from allowlist.render.plan_html import page_values, script_text, trusted
from allowlist.store.identity import Identity
from allowlist.workflow.review import Review
from allowlist_tui.review_page.applying import Applying
from allowlist_tui.review_page.oidc import Challenge, DeviceSignIn, Person, Provider
from allowlist_tui.review_page.sittings import Limit, Sitting, Sittings

DEFAULT_PORT: Final = 8484
_COOKIE: Final = "allowlist_page"
_SIGN_IN_COOKIE: Final = "allowlist_sign_in"
_LARGEST_BODY: Final = 64 * 1024
_POLL_SECONDS: Final = 0.5

_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class ApplyAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That what is approved is applied, with the name of the target typed, as on the screen."""

    name: str


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision as the page sends it: about changes, or about a gate."""

    verdict: str
    changes: tuple[str, ...] = ()
    gate: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSite:
    """What the site serves. ``review`` opens the review of a person; ``address`` is the public one.

    The path of the address is the prefix under which a reverse proxy serves it, whether or not the proxy takes it off.
    Without a ``provider`` whoever has the one-time link is ``guest``, unverified. Without ``applying`` nothing is applied.
    """

    plan: Plan
    review: Callable[[Identity, str], Review]
    guest: Identity
    address: str
    provider: Provider | None = None
    clock: Callable[[], float] = time.monotonic
    sittings: Sittings
    attempts: Limit
    decisions: Limit
    applying: Applying | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        review: Callable[[Identity, str], Review],
        guest: Identity,
        address: str,
        provider: Provider | None = None,
        clock: Callable[[], float] = time.monotonic,
        applying: Applying | None = None,
    ) -> ReviewSite:
        return cls(
            plan=plan,
            review=review,
            guest=guest,
            address=address.rstrip("/"),
            provider=provider,
            clock=clock,
            sittings=Sittings(clock),
            attempts=Limit(30, 60, clock),
            decisions=Limit(120, 60, clock),
            applying=applying,
        )

    @property
    def link(self) -> str:
        """The address to open: once where nobody signs in."""
        return self.address if self.provider else f"{self.address}/?token={self.sittings.link}"

    @property
    def is_https(self) -> bool:
        return self.address.startswith("https://")

    @property
    def prefix(self) -> str:
        """The path of the address, without a slash at its end; empty where there is none."""
        return urlsplit(self.address).path.rstrip("/")

    def why_not_apply(self, person: Person | None) -> str:
        """Why somebody may not apply at all; who has the one-time link (None) is who started this."""
        client = self.provider.client if self.provider else None
        if person is None or client is None or person.may_apply:
            return ""
        if not client.apply_roles:
            return "nobody applies from this page; --oidc-apply-role names who may"
        return f"none of the roles {', '.join(client.apply_roles)} is yours"


def make_app(site: ReviewSite) -> Starlette:
    """The application, ready for a server or for a test."""
    pages = _Pages(site)
    app = Starlette(
        routes=[
            Route("/", pages.page),
            Route("/sign-in", pages.sign_in),
            Route("/callback", pages.callback),
            Route("/device", pages.device),
            Route("/state", pages.state),
            Route("/events", pages.events),
            Route("/decide", pages.decide, methods=["POST"]),
            Route("/apply", pages.apply, methods=["POST"]),
            Route("/stop", pages.stop, methods=["POST"]),
            Route("/sign-out", pages.sign_out, methods=["POST"]),
        ]
    )
    app.add_middleware(BaseHTTPMiddleware, dispatch=_guard(site))
    app.add_middleware(_Under, prefix=site.prefix)
    return app


class _Under:
    """Takes the prefix off a path, where the proxy before us left it there."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, prefix = scope.get("path", ""), self._prefix
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            scope = dict(scope) | {"path": path.removeprefix(prefix) or "/"}
        await self._app(scope, receive, send)


Body = TypeVar("Body")
Next = Callable[[Request], Awaitable[Response]]


def _guard(site: ReviewSite) -> Callable[[Request, Next], Awaitable[Response]]:
    """Only our own host name, only our own pages; every answer says what a browser may do with it."""
    ours = urlsplit(site.address)

    async def guard(request: Request, proceed: Next) -> Response:
        origin = request.headers.get("origin")
        if request.headers.get("host", "").lower() != ours.netloc.lower():
            answer: Response = _words(421, "This server does not answer under that host name.")
        elif origin is not None and origin.lower() != f"{ours.scheme}://{ours.netloc}".lower():
            answer = _words(403, "Another page asked for this.")
        else:
            answer = await proceed(request)
        answer.headers.update(_HEADERS)
        answer.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if site.is_https:
            answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        return answer

    return guard


class _Pages:
    def __init__(self, site: ReviewSite) -> None:
        self._site = site

    async def page(self, request: Request) -> Response:
        """The page; who comes with the one-time link, or has signed in, gets a cookie first."""
        token = request.query_params.get("token")
        if token is not None:
            return await run_in_threadpool(self._by_link, request, token)
        sitting = self._sitting(request)
        if sitting is None:
            if self._site.provider:
                return RedirectResponse(f"{self._site.prefix}/sign-in", 303)
            return _words(401, "Open the link that was printed in the terminal; each link works once.")
        return HTMLResponse(*(await run_in_threadpool(self._page_of, sitting)))

    def _by_link(self, request: Request, token: str) -> Response:
        site = self._site
        if site.provider or not site.attempts.lets(_caller(request)):
            return _words(403, "Sign in instead." if site.provider else "Too many attempts; wait a minute.")
        if not site.sittings.takes_link(token):
            return _words(403, "This link was used already, or it is not the one that was printed.")
        return self._admit(site.guest, site.guest.who, "", site.why_not_apply(None))

    async def sign_in(self, request: Request) -> Response:
        site = self._site
        if site.provider is None or not site.attempts.lets(_caller(request)):
            return _words(
                429 if site.provider else 404, "Wait a minute." if site.provider else "Nobody signs in here."
            )
        try:
            begun, answer = await run_in_threadpool(self._begin_sign_in, site.provider)
        except AllowlistError as error:
            return _words(502, str(error))
        site.sittings.begin_sign_in(begun)
        self._set_cookie(answer, _SIGN_IN_COOKIE, begun.state, 600)
        return answer

    def _begin_sign_in(self, provider: Provider) -> tuple[Challenge | DeviceSignIn, Response]:
        if provider.client.by_device:
            begun = provider.begin_device()
            return begun, self._code_page(begun, 200)
        challenge = Challenge()
        url = provider.authorization_url(challenge, f"{self._site.address}/callback")
        return challenge, RedirectResponse(url, 303)

    def _code_page(self, begun: DeviceSignIn, status: int) -> Response:
        """Where to enter which code; the page looks by itself whether that was done, and without scripts by its link."""
        nonce = secrets.token_urlsafe()
        text = (
            environment()
            .get_template("device.html")
            .render(begun=begun, base=f"{self._site.prefix}/", nonce=nonce, seconds=begun.interval)
        )
        return HTMLResponse(str(text), status, {"Content-Security-Policy": _policy(nonce)})

    async def device(self, request: Request) -> Response:
        """Did the person of this browser enter the code by now? 202 while not."""
        site, state = self._site, request.cookies.get(_SIGN_IN_COOKIE, "")
        begun = site.sittings.sign_in_of(state)
        if site.provider is None or not isinstance(begun, DeviceSignIn):
            return _words(403, "This sign-in has ended; open the page again.")
        try:
            person = await run_in_threadpool(site.provider.device_person, begun, site.clock())
        except AllowlistError as error:
            site.sittings.end_sign_in(state)
            return _words(403, str(error))
        if person is None:
            return self._code_page(begun, 202)
        if site.sittings.end_sign_in(state) is None:
            return _words(403, "This sign-in has ended; open the page again.")
        return await run_in_threadpool(self._welcome, site.provider, person)

    async def callback(self, request: Request) -> Response:
        """Only the browser that began a sign-in can end it."""
        site, state = self._site, request.query_params.get("state", "")
        begun_here = compare_digest(request.cookies.get(_SIGN_IN_COOKIE, "").encode(), state.encode())
        challenge = site.sittings.end_sign_in(state) if state and begun_here else None
        code = request.query_params.get("code", "")
        if site.provider is None or not isinstance(challenge, Challenge) or not code:
            told = request.query_params.get("error_description") or request.query_params.get("error") or ""
            return _words(403, f"Nobody was signed in. {told}".strip())
        try:
            person = await run_in_threadpool(
                site.provider.person, code, challenge, f"{site.address}/callback"
            )
        except AllowlistError as error:
            return _words(403, str(error))
        return await run_in_threadpool(self._welcome, site.provider, person)

    def _welcome(self, provider: Provider, person: Person) -> Response:
        roles = ", ".join(provider.client.roles)
        why = "" if person.may_decide else f"none of the roles {roles} is yours"
        return self._admit(person.identity, person.name, why, self._site.why_not_apply(person))

    def _admit(self, identity: Identity, name: str, read_only: str, why_not_apply: str) -> Response:
        try:
            review = self._site.review(identity, read_only)
        except AllowlistError as error:
            return _words(403, str(error))
        key, _ = self._site.sittings.open(review, name, why_not_apply)
        answer = RedirectResponse(f"{self._site.prefix}/", 303)
        self._set_cookie(answer, _COOKIE, key, None)
        return answer

    def _set_cookie(self, answer: Response, name: str, value: str, seconds: int | None) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            httponly=True,
            samesite="lax",
            secure=self._site.is_https,
            path=f"{self._site.prefix}/",
        )

    def _sitting(self, request: Request) -> Sitting | None:
        return self._site.sittings.find(request.cookies.get(_COOKIE, ""))

    def _page_of(self, sitting: Sitting) -> tuple[str, int, dict[str, str]]:
        sitting.review.refresh()
        nonce = secrets.token_urlsafe()
        text = (
            environment()
            .get_template("review.html")
            .render(
                page_values(self._site.plan),
                policy="",
                nonce=nonce,
                script=trusted(script_text("plan.js")),
                review_script=trusted(script_text("review.js")),
                me=sitting.name,
                identity=sitting.review.who,
                csrf=sitting.csrf,
                read_only=sitting.review.read_only,
                signs_in=self._site.provider is not None,
                applies=self._site.applying is not None,
                base=f"{self._site.prefix}/",
            )
        )
        return str(text), 200, {"Content-Security-Policy": _policy(nonce)}

    async def state(self, request: Request) -> Response:
        sitting = self._sitting(request)
        if sitting is None:
            return JSONResponse({"error": "the session has ended; open the page again"}, 401)
        return JSONResponse(await run_in_threadpool(self._state_for, sitting))

    def _state_for(self, sitting: Sitting) -> dict[str, Any]:
        """How everything stands, what this person may apply, and the run that is under way."""
        found, applying, review = state_of(sitting.review), self._site.applying, sitting.review
        if applying is None:
            return found
        targets = review.approved_plan_targets()
        why_not = sitting.why_not_apply or applying.why_not(review)
        found["apply"] = {
            "name": confirmed_name(review),
            "why_not": why_not,
            "may_not": sitting.why_not_apply,
            "what": f"{counted(review.progress().ready, 'approved change')} to {', '.join(targets)}",
        }
        found["run"] = applying.view()
        return found

    async def events(self, request: Request) -> Response:
        """What was decided since, by whomever, as server-sent events; the first one is how everything stands."""
        sitting = self._sitting(request)
        if sitting is None:
            return _words(401, "The session has ended.")
        return StreamingResponse(self._told(request, sitting), media_type="text/event-stream")

    async def _told(self, request: Request, sitting: Sitting) -> AsyncIterator[bytes]:
        last = b""
        quiet = 0.0
        while not await request.is_disconnected():
            if self._site.sittings.find(request.cookies.get(_COOKIE, ""), is_there=False) is None:
                yield b"event: ended\ndata: {}\n\n"
                return
            now = msgspec.json.encode(await run_in_threadpool(self._state_for, sitting))
            quiet += _POLL_SECONDS
            if now != last:
                last, quiet = now, 0.0
                yield b"data: " + now + b"\n\n"
            elif quiet >= 15:
                quiet = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(_POLL_SECONDS)

    async def decide(self, request: Request) -> Response:
        return await self._posted(request, Asked, lambda sitting, asked: _decide(sitting.review, asked))

    async def apply(self, request: Request) -> Response:
        return await self._posted(request, ApplyAsked, self._apply)

    def _apply(self, sitting: Sitting, asked: ApplyAsked) -> None:
        review = sitting.review
        review.refresh()
        applying = self._may_apply(sitting)
        if asked.name.strip() != confirmed_name(review):
            raise AllowlistError(
                f"'{asked.name.strip()}' is not what is written to", hint=f"type {confirmed_name(review)}"
            )
        applying.begin(review)

    async def stop(self, request: Request) -> Response:
        return await self._posted(request, dict[str, str], lambda sitting, _: self._may_apply(sitting).stop())

    def _may_apply(self, sitting: Sitting) -> Applying:
        applying = self._site.applying
        reason = sitting.why_not_apply if applying else "nothing can be applied from here"
        if reason or applying is None:
            raise AllowlistError(reason, hint="nothing was written")
        return applying

    async def _posted(
        self, request: Request, kind: type[Body], act: Callable[[Sitting, Body], None]
    ) -> Response:
        """What a page asks for that changes something: by its sitting, its token, not too often, and well-formed."""
        sitting = self._sitting(request)
        if sitting is None:
            return JSONResponse({"error": "the session has ended; open the page again"}, 401)
        if not _has_token(request, sitting):
            return JSONResponse({"error": "this did not come from the page"}, 403)
        if not self._site.decisions.lets(sitting.csrf):
            return JSONResponse({"error": "too many decisions in a minute; wait a little"}, 429)
        body = await _small_body(request)
        try:
            asked = msgspec.json.decode(body, type=kind)
            await run_in_threadpool(act, sitting, asked)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": f"that is no decision: {error}"}, 400)
        except AllowlistError as error:
            return JSONResponse({"error": str(error), "hint": error.hint}, 409)
        return JSONResponse(await run_in_threadpool(self._state_for, sitting))

    async def sign_out(self, request: Request) -> Response:
        sitting = self._sitting(request)
        if sitting and _has_token(request, sitting):
            self._site.sittings.close(request.cookies.get(_COOKIE, ""))
        answer = JSONResponse({})
        answer.delete_cookie(_COOKIE, path=f"{self._site.prefix}/")
        return answer


def _has_token(request: Request, sitting: Sitting) -> bool:
    return compare_digest(request.headers.get("x-csrf-token", "").encode(), sitting.csrf.encode())


def _policy(nonce: str) -> str:
    """What a browser may do with a page of ours that has one script."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def confirmed_name(review: Review) -> str:
    """What has to be typed before anything is written: the target, or the workload where there are several."""
    targets = review.approved_plan_targets()
    return targets[0] if len(targets) == 1 else review.plan.workload


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return b""
    return bytes(body)


def _decide(review: Review, asked: Asked) -> None:
    """Raises AllowlistError for what may not be decided, with the reason."""
    review.refresh()
    for change_id in asked.changes:
        review.change(change_id)
    if asked.verdict == "accept-gate":
        review.accept_gate(asked.gate, asked.reason)
    elif asked.verdict == "approve":
        review.approve(asked.changes, counted=len(review.not_yet_mine(asked.changes)), reason=asked.reason)
    elif asked.verdict == "reject":
        review.reject(asked.changes, asked.reason)
    elif asked.verdict == "comment":
        review.comment(asked.changes, asked.reason)
    elif asked.verdict == "undo":
        review.undo()
    else:
        raise AllowlistError(
            f"'{asked.verdict}' is no verdict", hint="approve, reject, comment, accept-gate or undo"
        )
    review.refresh()


def state_of(review: Review) -> dict[str, Any]:
    """Where every change and gate stands, as the page shows it: nothing is said of those that are untouched."""
    review.refresh()
    progress = review.progress()
    changes = {}
    for change_id in review.touched():
        standing = review.standing(change_id)
        changes[change_id] = {
            "state": standing.state.value,
            "text": standing.text,
            "mine": standing.mine,
            "said": [
                f"{item.at:%Y-%m-%d %H:%M} {item.who} ({item.identity}): {item.verdict}"
                + (f" {item.gate}" if item.gate else "")
                + (f", {item.reason}" if item.reason else "")
                for item in standing.decisions
            ],
        }
    gates = {
        item.gate.id: {"open": item.is_open, "by": item.accepted_by, "reason": item.reason}
        for item in review.gates()
    }
    counts = {state.value: count for state, count in progress.counts.items() if count}
    return {
        "changes": changes,
        "gates": gates,
        "counts": counts,
        "next": progress.next_step,
        "can_undo": review.can_undo,
    }


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""


def _words(status: int, text: str) -> Response:
    """A page of one sentence."""
    shown = html.escape(text)
    page = f'<!doctype html><html lang="en"><title>allowlist review</title><main><h1>allowlist review</h1><p>{shown}</p></main>'
    return HTMLResponse(page, status)


def serve_page(site: ReviewSite, *, host: str, port: int, proxied: str = "") -> None:
    """Serve until Ctrl-C. ``proxied`` are the addresses of a reverse proxy whose forwarded headers count."""
    import uvicorn

    uvicorn.run(
        make_app(site),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(proxied),
        forwarded_allow_ips=proxied or "127.0.0.1",
        timeout_graceful_shutdown=2,
    )
