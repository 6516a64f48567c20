"""A connection to one ARM: cloud, tenant, endpoint, credential and trust as one value, made in one place.

Every command that reads or writes Azure, or asks who somebody is, gets there through :class:`SignIn` and
:class:`Connection`; nothing else makes a client or a credential. Where two documents name different clouds or
tenants the command refuses: resource ids do not say which cloud they belong to, and an identity of another tenant
is another identity.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from msgspec.structs import replace

from allowlist.azure.client import ArmClient, Notify, Patience
from allowlist.azure.clouds import Cloud, choose_cloud
from allowlist.azure.credential import Credential, make_credential, token_of
from allowlist.azure.sign_in import Connection as Connection
from allowlist.azure.sign_in import Place as Place
from allowlist.azure.sign_in import SignIn as SignIn
from allowlist.azure.sign_in import place_text as place_text
from allowlist.azure.sign_in import refuse_elsewhere as refuse_elsewhere
from allowlist.azure.transport import HttpxSender, SdkSender, Sender, SignedTransport, Transport
from allowlist.errors import AllowlistError
from allowlist.trust import Trust, check_proxies, is_loopback, make_trust


def credential_for(connection: Connection, host: str) -> Credential:
    """Whoever signs in to Azure, for a log service at ``host``; an emulator on this machine is sent a token of nobody."""
    if is_loopback(f"https://{host}"):
        return Credential("none", _Nobody())
    made = _signed_in(replace(connection, endpoint=None))[1]
    if made is None:
        raise AllowlistError("--credential none cannot ask a log service", hint="choose another --credential")
    return made


class _Nobody:
    def get_token(self, *scopes: str, **settings: object) -> object:
        from azure.core.credentials import AccessToken

        del scopes, settings
        return AccessToken("nobody", int(time.time()) + 3600)


@contextmanager
def connect(
    connection: Connection,
    notify: Notify = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[ArmClient]:
    """Open an ARM client; transports are made when first needed and closed at the end.

    ``sleep`` is what it waits with between requests; it may raise to end a wait.
    """
    cloud, credential, trust = _signed_in(connection)
    pool = _Transports(cloud, credential, trust)
    patience = connection.patience or Patience()
    try:
        yield ArmClient(
            cloud.endpoint,
            pool.choose,
            sleep=sleep,
            patience=patience,
            notify=notify,
            api_versions=dict(connection.api_versions),
        )
    finally:
        pool.close()


def access_token(connection: Connection) -> str:
    """A token for Resource Manager, which also tells who is signed in. Raises TargetDenied or TargetUnavailable."""
    cloud, credential, _ = _signed_in(connection)
    return token_of(credential, cloud)


def _signed_in(connection: Connection) -> tuple[Cloud, Credential | None, Trust]:
    """One trust for sign-in and for everything that is sent afterwards."""
    cloud = choose_cloud(connection.cloud, connection.endpoint, connection.credential)
    check_proxies(os.environ)
    credential, trust = _sign_in(
        replace(connection, patience=None, api_versions=()), tuple(os.environ.items())
    )
    return cloud, credential, trust


@lru_cache(maxsize=8)
def _sign_in(connection: Connection, environ: tuple[tuple[str, str], ...]) -> tuple[Credential | None, Trust]:
    """One sign-in for whatever one process asks with the same settings: logs, Resource Manager, who somebody is."""
    trust = make_trust(connection.ca_file, dict(environ))
    credential = make_credential(
        connection.credential,
        choose_cloud(connection.cloud, connection.endpoint, connection.credential),
        verify_authority=not connection.endpoint,
        tenant=connection.tenant,
        trust=trust,
    )
    return credential, trust


def forget_sign_ins() -> None:
    """Another command asks for tokens of its own."""
    _sign_in.cache_clear()


class _Transports:
    """One transport per kind and thread-safe: Microsoft.Network through the SDK, the rest through httpx."""

    def __init__(self, cloud: Cloud, credential: Credential | None, trust: Trust) -> None:
        self._cloud = cloud
        self._credential = credential
        self._trust = trust
        self._lock = threading.Lock()
        self._open: dict[str, Transport] = {}

    def choose(self, path: str) -> Transport:
        kind = "network" if "/microsoft.network/" in path.lower() else "other"
        with self._lock:
            if kind not in self._open:
                sender = self._make(kind, path)
                self._open[kind] = SignedTransport(sender, self._cloud, self._credential)
            return self._open[kind]

    def _make(self, kind: str, path: str) -> Sender:
        if kind == "network":
            parts = path.split("/")
            return SdkSender(self._cloud, parts[2] if len(parts) > 2 else "", self._trust)
        return HttpxSender(self._cloud, self._trust)

    def close(self) -> None:
        for transport in self._open.values():
            transport.close()
        if self._credential is not None:
            self._credential.close()
