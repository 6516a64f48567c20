"""Logs in blob storage, against Azurite (Microsoft's emulator of it), whatever their names hold. Run by ``make blobs``."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import AllowlistError
from tests.helpers.traffic import allowed, counted, event, plainly, reading, write

MODULES = os.environ.get("ALLOWLIST_AZURITE", "")
pytestmark = pytest.mark.skipif(not MODULES, reason="run by make blobs")

# The account and key that every Azurite has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
EVENTS = [event(0, "pytorch.org"), allowed(1, "api.contoso.com"), event(70, "pytorch.org")]


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", f"{MODULES}/azurite/dist/src/blob/main.js", "--blobPort", str(port), "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as emulator:
        try:
            while emulator.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/{ACCOUNT}"
        finally:
            emulator.kill()  # It keeps nothing, and would wait for clients that keep their connection.


@pytest.fixture
def container(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from azure.storage.blob import ContainerClient

    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    client = ContainerClient.from_container_url(
        f"{account}/{tmp_path.name.replace('_', '-')[:50]}", credential=KEY
    )
    client.create_container()
    yield client
    client.close()


def test_every_blob_below_a_prefix_is_read(container: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", EVENTS)
    for path in folder.rglob("*"):
        if path.is_file():
            container.upload_blob(f"year/{path.relative_to(folder)}", path.read_bytes())
    container.upload_blob("elsewhere/PT1H.json", b"nonsense\n")
    with reading([f"{container.url}/year/"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
        assert not traffic.account.unread


def test_names_with_every_sign_are_found_again(container: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "logs", EVENTS[:1], "event-hub") / "event-hub" / "2026-11-23.jsonl"
    container.upload_blob("x y%41ü#1?.json.gz", gzip.compress(file.read_bytes()))
    with reading([f"{container.url}/"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS[:1])
        assert traffic.account.files[0][0].endswith("/x y%41ü#1?.json.gz")


def test_a_blob_that_its_writer_marked_as_packed_is_read_whole(container: Any, tmp_path: Path) -> None:
    """Larger than what is fetched at once; azure-storage-blob 12.31 unpacks each part by itself and fails at the second."""
    from azure.storage.blob import ContentSettings

    file = write(tmp_path / "logs", EVENTS, "event-hub") / "event-hub" / "2026-11-23.jsonl"
    packed = gzip.compress(file.read_bytes() + b" " * (40 << 20), compresslevel=0)
    marked = ContentSettings(content_encoding="gzip")
    container.upload_blob("2026-11-23.jsonl", packed, content_settings=marked)
    with reading([f"{container.url}/"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
        assert not traffic.account.unread


def test_a_container_that_is_not_there_is_named(container: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(AllowlistError, match="The specified container does not exist"),
        reading([f"{container.url}-other/"], tmp_path),
    ):
        pass
