"""A connection to one ARM: cloud, credential and client put together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from allowlist.azure.client import ArmClient, Notify, Patience
from allowlist.azure.clouds import choose_cloud
from allowlist.azure.credential import make_credential
from allowlist.azure.transport import HttpxTransport, SdkTransport, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach ARM, as chosen on the command line; nothing is opened yet."""

    cloud: str = "public"
    endpoint: str | None = None
    credential: str = "default"
    ca_file: str | None = None
    tenant: str = ""
    patience: Patience | None = None


@contextmanager
def connect(connection: Connection, notify: Notify = lambda _: None) -> Iterator[ArmClient]:
    """Open an ARM client; transports are made when first needed and closed at the end."""
    cloud = choose_cloud(connection.cloud, connection.endpoint, connection.credential)
    credential = make_credential(
        connection.credential, cloud, verify_authority=not connection.endpoint, tenant=connection.tenant
    )
    pool = _Transports(cloud, credential, connection.ca_file)
    patience = connection.patience or Patience()
    try:
        yield ArmClient(cloud.endpoint, pool.choose, sleep=time.sleep, patience=patience, notify=notify)
    finally:
        pool.close()


class _Transports:
    """One transport per kind and thread-safe: Microsoft.Network through the SDK, the rest through httpx."""

    def __init__(self, cloud: Any, credential: Any | None, ca_file: str | None) -> None:
        self._settings = (cloud, credential, ca_file)
        self._lock = threading.Lock()
        self._open: dict[str, Transport] = {}

    def choose(self, path: str) -> Transport:
        kind = "network" if "/microsoft.network/" in path.lower() else "other"
        with self._lock:
            if kind not in self._open:
                self._open[kind] = self._make(kind, path)
            return self._open[kind]

    def _make(self, kind: str, path: str) -> Transport:
        cloud, credential, ca_file = self._settings
        if kind == "network":
            parts = path.split("/")
            return SdkTransport(cloud, credential, parts[2] if len(parts) > 2 else "", ca_file)
        return HttpxTransport(cloud, credential, ca_file)

    def close(self) -> None:
        for transport in self._open.values():
            transport.close()
