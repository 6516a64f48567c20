"""Following published catalogs: what is not vouched for is refused, and nothing is ever removed."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from allowlist.catalog import load_library
from allowlist.catalog.following import Followed, changes_at, follow_index
from allowlist.catalog.index import MAX_INDEX_BYTES, version_of, write_index
from allowlist.catalog.pinned import PinnedIndex, pinned_catalog
from allowlist.catalog.published import INDEX_FILE
from allowlist.errors import CatalogError, InvalidInput
from allowlist.workflow.project import load_project
from tests.helpers.catalogs import document, entry, read, sealed, text_of, write
from tests.helpers.cli import allowlist as command


class Publisher:
    """A folder served over loopback http with entity tags, as a static site would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.statuses: list[int] = []
        publisher = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, directory=str(folder), **options)

            def do_GET(self) -> None:
                path = folder / self.path.lstrip("/")
                if not path.is_file():
                    return self._answer(404, b"", "")
                content = path.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()}"'
                if self.headers.get("If-None-Match") == tag:
                    return self._answer(304, b"", tag)
                return self._answer(200, content, tag)

            def _answer(self, status: int, content: bytes, tag: str) -> None:
                publisher.statuses.append(status)
                self.send_response(status)
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/{INDEX_FILE}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def publish(self, *catalogs: dict[str, Any]) -> None:
        source = self.folder.parent / "source"
        for old in [*source.glob("*"), *self.folder.glob("*")]:
            old.unlink()
        for made in catalogs:
            write(source, sealed(made))
        write_index(source, self.folder)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    (tmp_path / "public").mkdir()
    made = Publisher(tmp_path / "public")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "catalogs"


def follow(publisher: Publisher, folder: Path, *, accept_shrink: bool = False) -> Followed:
    with httpx.Client() as client:
        return follow_index(publisher.url, folder, client=client, accept_shrink=accept_shrink)


CONTOSO = document(*(entry(f"host-{number}") for number in range(6)))
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
FABRIKAM = {**document(), "name": "fabrikam"}


def grown(versions: tuple[str, ...] = ("1.0.0", "1.1.0")) -> dict[str, Any]:
    return document(*CONTOSO["entries"], entry("new", since="1.1.0"), versions=versions)


def shrunken() -> dict[str, Any]:
    kept, *ended = CONTOSO["entries"]
    return document(kept, *({**item, "until": "2.0.0"} for item in ended), versions=("1.0.0", "2.0.0"))


def test_an_empty_folder_gets_every_published_catalog(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO, FABRIKAM)
    assert follow(publisher, folder).updated == ("contoso", "fabrikam")
    assert len(load_library(folder, environ={})) == 2


def test_an_unchanged_index_is_answered_by_its_entity_tag(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    publisher.statuses.clear()
    assert follow(publisher, folder).unchanged == ("contoso",)
    assert publisher.statuses == [304]


def test_a_new_release_replaces_the_file(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    publisher.publish(grown())
    assert follow(publisher, folder).updated == ("contoso",)
    assert load_library(folder, environ={}).get("contoso").latest == "1.1.0"


def test_a_catalog_missing_from_the_index_stays(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO, FABRIKAM)
    follow(publisher, folder)
    publisher.publish(CONTOSO)
    assert follow(publisher, folder).kept == ("fabrikam",)
    assert "fabrikam" in load_library(folder, environ={}).catalogs


def test_a_file_the_index_does_not_vouch_for_is_refused(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    publisher.publish(grown())
    path = publisher.folder / "contoso.yaml"
    path.write_bytes(path.read_bytes().replace(b"Contoso", b"Conto50"))
    assert "not the file the index vouches for" in follow(publisher, folder).refused["contoso"]
    assert load_library(folder, environ={}).get("contoso").latest == "1.0.0"


def test_a_file_longer_than_the_index_says_is_not_read_to_its_end(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    with (publisher.folder / "contoso.yaml").open("ab") as file:
        file.write(b"# " + b"x" * 1_000_000)
    assert "is larger than" in follow(publisher, folder).refused["contoso"]


def test_rewritten_history_is_refused(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    publisher.publish(document(entry("somewhere-else")))
    assert "rewrites or drops release 1.0.0" in follow(publisher, folder).refused["contoso"]
    assert len(load_library(folder, environ={}).get("contoso").entries) == 6


def test_a_digest_that_does_not_fit_the_entries_is_refused(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    content = text_of({**document(entry("other")), "releases": sealed(CONTOSO)["releases"]}).encode()
    (publisher.folder / "contoso.yaml").write_bytes(content)
    index = msgspec.json.decode((publisher.folder / INDEX_FILE).read_bytes())
    index["catalogs"]["contoso"] |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (publisher.folder / INDEX_FILE).write_bytes(msgspec.json.encode(index))
    assert "not what its digest says" in follow(publisher, folder).refused["contoso"]


def test_a_catalog_that_suddenly_ends_most_of_its_entries_waits_for_a_person(
    publisher: Publisher, folder: Path
) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    publisher.publish(shrunken())
    assert "drops most entries" in follow(publisher, folder).held["contoso"]
    assert load_library(folder, environ={}).get("contoso").latest == "1.0.0"
    told = ("catalog", "follow", publisher.url, "-o", folder)
    assert (command(*told).code, command(*told, "--exit-code").code) == (0, 2)
    assert follow(publisher, folder, accept_shrink=True).updated == ("contoso",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b'{"schema": "other/v1", "catalogs": {}}',
        b'{"schema": "allowlist/catalog-index/v1", "catalogs": {"../up": {}}}',
        b" " * (MAX_INDEX_BYTES + 1),
    ],
)
def test_an_index_that_is_none_changes_nothing(publisher: Publisher, folder: Path, content: bytes) -> None:
    publisher.publish(CONTOSO)
    follow(publisher, folder)
    (publisher.folder / INDEX_FILE).write_bytes(content)
    with pytest.raises(CatalogError):
        follow(publisher, folder)
    assert load_library(folder, environ={}).get("contoso").latest == "1.0.0"


def test_an_index_that_moved_away_is_told(publisher: Publisher, folder: Path) -> None:
    with pytest.raises(CatalogError, match="answered 404"):
        follow(publisher, folder)


def pin_of(publisher: Publisher) -> PinnedIndex:
    digest = hashlib.sha256((publisher.folder / INDEX_FILE).read_bytes()).hexdigest()
    return PinnedIndex.parse(f"{publisher.url}@sha256:{digest}")


def test_a_pinned_index_is_asked_once_and_its_copy_answers_without_the_network(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.publish(CONTOSO, FABRIKAM)
    pin, environ = pin_of(publisher), {"XDG_CACHE_HOME": str(tmp_path)}
    assert pinned_catalog(pin, "contoso", environ).latest == "1.0.0"
    asked = len(publisher.statuses)
    publisher.publish(grown())
    assert pinned_catalog(pin, "contoso", environ).latest == "1.0.0"
    assert len(publisher.statuses) == asked


def test_a_copy_that_lost_its_digest_is_fetched_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(CONTOSO)
    pin, environ = pin_of(publisher), {"XDG_CACHE_HOME": str(tmp_path)}
    pinned_catalog(pin, "contoso", environ)
    for copy in tmp_path.rglob(f"{pin.digest}/*"):
        copy.write_bytes(b"half of it")
    assert len(pinned_catalog(pin, "contoso", environ).entries) == 6


def test_an_index_that_is_not_what_was_pinned_is_refused(publisher: Publisher) -> None:
    publisher.publish(CONTOSO)
    pin = pin_of(publisher)
    publisher.publish(grown())
    with pytest.raises(CatalogError, match="is not what was pinned"):
        pinned_catalog(pin, "contoso", {})


def test_a_file_that_is_not_the_one_of_a_pinned_index_is_refused(publisher: Publisher) -> None:
    publisher.publish(CONTOSO)
    path = publisher.folder / "contoso.yaml"
    path.write_bytes(path.read_bytes().replace(b"Contoso", b"Conto50"))
    with pytest.raises(CatalogError, match="is not what was pinned"):
        pinned_catalog(pin_of(publisher), "contoso", {})


@pytest.mark.parametrize(
    "text",
    [
        "https://catalogs.example/index.json",
        "https://catalogs.example/index.json@sha256:12",
        f"http://catalogs.example/index.json@sha256:{'0' * 64}",
        "index.json",
    ],
)
def test_an_index_without_a_whole_pin_or_over_plain_http_is_refused(text: str) -> None:
    with pytest.raises(CatalogError):
        PinnedIndex.parse(text)


WORKLOAD = """schema: allowlist/workload/v1
name: research
catalogs:
  - {name: contoso, version: 1.0.0, index: "INDEX"}
targets:
  - name: hub
    surface: hub-network
    resource: /subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/h
    delete: add-only
"""


def test_a_workload_takes_a_catalog_from_the_index_that_follow_printed(
    publisher: Publisher, folder: Path, tmp_path: Path
) -> None:
    publisher.publish(CONTOSO)
    printed = command("catalog", "follow", publisher.url, "-o", folder)
    assert printed.code == 0, printed.err
    assert "updated contoso" in printed.out
    workload = tmp_path / "allowlist.yaml"
    pin = printed.out.splitlines()[-1].removeprefix("index: ")
    workload.write_text(WORKLOAD.replace("INDEX", pin), "utf-8")
    assert load_project(workload, now=NOW).library.get("contoso").latest == "1.0.0"
    workload.write_text(WORKLOAD.replace("INDEX", pin[:-1]), "utf-8")
    with pytest.raises(InvalidInput, match=r"allowlist\.yaml:4.* is no pinned index"):
        load_project(workload, now=NOW)


def test_plain_http_beyond_this_machine_is_refused(folder: Path) -> None:
    with httpx.Client() as client, pytest.raises(CatalogError, match="not an https address"):
        follow_index("http://catalogs.example.com/index.json", folder, client=client)


def test_unreleased_changes_are_not_published(tmp_path: Path) -> None:
    write(tmp_path / "source", sealed(document(entry(), entry("new", since="next"))))
    with pytest.raises(CatalogError, match="not released"):
        write_index(tmp_path / "source", tmp_path / "public")


def test_an_index_is_the_same_whenever_it_is_written(tmp_path: Path) -> None:
    write(tmp_path / "source", sealed(CONTOSO))
    write_index(tmp_path / "source", tmp_path / "one")
    write_index(tmp_path / "source", tmp_path / "two")
    assert (tmp_path / "one" / INDEX_FILE).read_bytes() == (tmp_path / "two" / INDEX_FILE).read_bytes()


def test_the_version_of_an_index_is_the_day_of_its_newest_release_and_rises_with_each(tmp_path: Path) -> None:
    assert version_of([]) == ""
    first = version_of([read(sealed(CONTOSO))])
    assert first == "2024010100"
    assert version_of([read(sealed(CONTOSO)), read(sealed(FABRIKAM))]) == "2024010101"
    assert version_of([read(sealed(grown())), read(sealed(FABRIKAM))]) == "2024020100"


def test_an_index_older_than_the_one_followed_before_is_refused(publisher: Publisher, folder: Path) -> None:
    publisher.publish(grown())
    assert follow(publisher, folder).version == "2024020100"
    publisher.publish(CONTOSO)
    with pytest.raises(CatalogError, match="2024010100, older than 2024020100"):
        follow(publisher, folder)
    publisher.publish(grown())
    assert follow(publisher, folder).unchanged == ("contoso",), "what was refused is not what was seen last"


def test_an_index_is_followed_and_pinned_from_a_folder_that_was_carried_in(
    publisher: Publisher, folder: Path, tmp_path: Path
) -> None:
    publisher.publish(CONTOSO)
    printed = command("catalog", "follow", publisher.folder, "-o", folder)
    assert printed.code == 0, printed.err
    pin = printed.out.splitlines()[-1].removeprefix("index: ")
    workload = tmp_path / "allowlist.yaml"
    workload.write_text(WORKLOAD.replace("INDEX", pin.replace(f"{tmp_path}/", "")), "utf-8")
    assert load_project(workload, now=NOW).library.get("contoso").latest == "1.0.0"


def test_an_index_on_a_disk_names_only_files_beside_it(publisher: Publisher, folder: Path) -> None:
    publisher.publish(CONTOSO)
    (publisher.folder.parent / "outside.yaml").write_bytes((publisher.folder / "contoso.yaml").read_bytes())
    index = publisher.folder / INDEX_FILE
    index.write_bytes(index.read_bytes().replace(b'"contoso.yaml"', b'"../outside.yaml"'))
    with httpx.Client() as client:
        found = follow_index(str(publisher.folder), folder, client=client)
    assert "is not beside it" in found.refused["contoso"]


def test_changes_since_a_version_are_told_by_the_index(publisher: Publisher) -> None:
    publisher.publish(grown(), FABRIKAM)
    with httpx.Client() as client:
        version, items = changes_at(publisher.url, "2024010100", client=client)
        assert (version, [item.entry for item in items]) == ("2024020100", ["new"])
        assert items[0].sources == ("contoso/docs:network.md",)
        assert changes_at(publisher.url, version, client=client) == (version, ())


def test_changes_the_index_does_not_vouch_for_are_refused(publisher: Publisher) -> None:
    publisher.publish(grown())
    path = publisher.folder / "changes.json"
    path.write_bytes(path.read_bytes().replace(b"new.contoso", b"old.contoso"))
    with httpx.Client() as client, pytest.raises(CatalogError, match="not the file the index vouches for"):
        changes_at(publisher.url, "2024-01-01", client=client)


@pytest.fixture
def signers(tmp_path: Path) -> tuple[Path, Path]:
    """A key, and a file that allows its signatures in the name of catalogs@contoso.example."""
    key, allowed = tmp_path / "key", tmp_path / "allowed_signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    allowed.write_text(f"catalogs@contoso.example {key.with_suffix('.pub').read_text('utf-8')}", "utf-8")
    return key, allowed


def test_a_signed_index_is_taken_and_one_without_its_signature_changes_nothing(
    publisher: Publisher, folder: Path, tmp_path: Path, signers: tuple[Path, Path]
) -> None:
    key, allowed = signers
    write(tmp_path / "ours", sealed(CONTOSO))
    public = publisher.folder
    assert command("catalog", "index", "-o", public, "--sign", key, "--catalogs", tmp_path / "ours").code == 0
    told = ("--allowed-signers", allowed, "--signed-by", "catalogs@contoso.example")
    followed = command("catalog", "follow", publisher.url, "-o", folder, *told)
    assert followed.code == 0, followed.err
    assert "signed by catalogs@contoso.example" in followed.err
    write(tmp_path / "ours", sealed(grown()))
    assert command("catalog", "index", "-o", public, "--catalogs", tmp_path / "ours").code == 0
    unsigned = command("catalog", "follow", publisher.url, "-o", folder, *told)
    assert (unsigned.code, "has no signature" in unsigned.err) == (1, True)
    assert load_library(folder, environ={}).get("contoso").latest == "1.0.0"


def test_the_signature_of_another_index_or_by_another_key_does_not_hold(
    publisher: Publisher, folder: Path, tmp_path: Path, signers: tuple[Path, Path]
) -> None:
    key, allowed = signers
    told = ("--allowed-signers", allowed, "--signed-by", "catalogs@contoso.example")
    write(tmp_path / "ours", sealed(CONTOSO))
    command("catalog", "index", "-o", publisher.folder, "--sign", key, "--catalogs", tmp_path / "ours")
    index = publisher.folder / INDEX_FILE
    index.write_bytes(index.read_bytes() + b"\n")
    changed = command("catalog", "follow", publisher.url, "-o", folder, *told)
    assert (changed.code, "does not hold" in changed.err) == (1, True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "theirs")], check=True
    )
    command(
        "catalog",
        "index",
        "-o",
        publisher.folder,
        "--sign",
        tmp_path / "theirs",
        "--catalogs",
        tmp_path / "ours",
    )
    other = command("catalog", "changes", "--index", publisher.url, "--since", "2024-01-01", *told)
    assert (other.code, "does not hold" in other.err) == (1, True)
    assert not (folder / "contoso.yaml").exists()
