"""Who may come in: whoever has the one-time link, from a page of ours, under a name of ours.

A page elsewhere can make a browser send requests to this machine, and a name that changes its address (DNS
rebinding) can make them look like its own. So each request must name a host that nobody else can own, say where
it comes from, and carry the cookie that only the link gives.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field
from hmac import compare_digest

from aiohttp import web

LOOPBACK_NAME = "localhost"

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?", re.IGNORECASE)


class Refused(Exception):
    """Why somebody stays outside, in words for the page; ``status`` is the HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class AccessGuard:
    """Checks requests to a server that listens on ``address`` (text as given, such as ``127.0.0.1``)."""

    address: str
    cookie_name: str = "allowlist_review"
    _link: str = field(default_factory=secrets.token_urlsafe)
    _admitted: set[str] = field(default_factory=set)

    @property
    def link_token(self) -> str:
        """What the next link must carry; it works once."""
        return self._link

    def admit(self, token: str) -> str:
        """Take a token that fits, forget it, and give the cookie that stands for it. Raises Refused."""
        if not compare_digest(token.encode(), self._link.encode()):
            raise Refused(403, "this link was used already, or it is not the one that was printed")
        self._link = secrets.token_urlsafe()
        cookie = secrets.token_urlsafe()
        self._admitted.add(cookie)
        return cookie

    def check_sender(self, request: web.Request) -> None:
        """Refuse foreign host names and foreign pages. Raises Refused."""
        if not self._is_ours(request.host):
            raise Refused(421, "this server does not answer under that host name")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            raise Refused(403, "another page asked for this")

    def check_visitor(self, request: web.Request) -> None:
        """Refuse whoever has no cookie of ours. Raises Refused."""
        if not self.knows(request):
            raise Refused(401, "open the link that was printed in the terminal; each link works once")

    def knows(self, request: web.Request) -> bool:
        """Has this browser used a link?"""
        given = request.cookies.get(self.cookie_name, "").encode()
        return any(compare_digest(given, cookie.encode()) for cookie in self._admitted)

    def _is_ours(self, host: str) -> bool:
        """Only an address, or a name that no stranger can point here."""
        found = _HOST.fullmatch(host)
        name = (found[1] or found[2]).lower().rstrip(".") if found else ""
        if is_loopback(name):
            return True
        return not is_loopback(self.address) and (_address(name) is not None or name in _own_names())


def is_loopback(name: str) -> bool:
    """Does the address, or ``localhost``, lead to this machine and nowhere else?"""
    address = _address(name)
    return name == LOOPBACK_NAME or (address is not None and address.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _own_names() -> set[str]:
    return {socket.gethostname().lower(), socket.getfqdn().lower()}
