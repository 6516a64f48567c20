"""What is asked beside Resource Manager is trusted and believed like it: no answer that says nothing is taken for one."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trustme

from allowlist.catalog.following import changes_at, follow_index
from allowlist.catalog.published import open_client
from allowlist.catalog.upstream.pages import PageRef
from allowlist.catalog.upstream.web import WebPages
from allowlist.errors import AllowlistError
from allowlist.traffic.remote import blobs, open_blob
from allowlist.traffic.services import Period, counted_by, service_of
from allowlist.trust import trust_here, web_client
from allowlist.workflow.approval_policy import read_policy
from allowlist_tui.review_page.oidc import Challenge, Client, Provider
from tests.helpers.bad_answers import HOST, Bad, Given, answering

PERIOD = Period(start=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), end=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
ORGANIZATION = "Contoso inspection"
NOTHING = {
    "an empty body": Given(),
    "an empty object": Given(body=b"{}"),
    "null": Given(body=b"null"),
    "an empty array": Given(body=b"[]"),
    "no content": Given(204),
    "not modified": Given(304),
    "a page of a gateway": Given(body=b"<html>sign in</html>"),
}


class Anybody:
    def get_token(self, *scopes: str, **settings: object) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("secret", int(time.time()) + 3600)


def credentials(host: str) -> Anybody:
    return Anybody()


def _refuse_to_wait(seconds: float) -> None:
    pytest.fail(f"it would be asked again after {seconds} s")


def page(url: str, folder: Path) -> object:
    with web_client(trust_here(), timeout=10) as client:
        pages = WebPages(
            client=client, cache=folder / "pages", sleep=_refuse_to_wait, pages_url=url, commits_url=url
        )
        return pages.read(PageRef(repo="o/r", path="a.md"))


def index(url: str, folder: Path) -> object:
    with open_client() as client:
        return follow_index(f"{url}/index.json", folder / "catalogs", client=client)


def changes(url: str, folder: Path) -> object:
    with open_client() as client:
        return changes_at(f"{url}/index.json", "2025-01-01", client=client)


def policy(url: str, folder: Path) -> object:
    return read_policy(f"{url}/policy.yaml@sha256:{'0' * 64}")


def discovery(url: str, folder: Path) -> object:
    challenge = cast("Challenge", SimpleNamespace(state="s", nonce="n", code_challenge="c", verifier="v"))
    return Provider(Client(issuer=url, client_id="a")).authorization_url(challenge, "https://a.example/")


def keys(url: str, folder: Path) -> object:
    provider = Provider(Client(issuer=url, client_id="a"))
    provider._known = {"issuer": url, "jwks_uri": f"{url}/keys"}
    return provider._claims("a.b.c", "n")


def listed_blobs(url: str, folder: Path) -> object:
    return list(blobs(f"{url}/logs/a", credentials))


def one_blob(url: str, folder: Path) -> object:
    return open_blob(f"{url}/logs/a", credentials).read()


def log_analytics(url: str, folder: Path) -> object:
    place = f"loganalytics://workspace@{url.removeprefix('https://')}"
    return counted_by(service_of(place, credentials), PERIOD, folder / "rows")


def data_explorer(url: str, folder: Path) -> object:
    place = f"kusto://{url.removeprefix('https://')}/logs"
    return counted_by(service_of(place, credentials), PERIOD, folder / "rows")


ASKED = [page, index, changes, policy, discovery, keys, listed_blobs, one_blob, log_analytics, data_explorer]
asked = pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.__name__.replace("_", " "))
Ask = Callable[[str, Path], object]


@pytest.fixture(scope="module")
def bad() -> Iterator[Bad]:
    with answering(trustme.CA(organization_name=ORGANIZATION)) as server:
        yield server


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system's store of one certificate, of somebody else."""
    path = tmp_path_factory.mktemp("store") / "store.pem"
    trustme.CA(organization_name="Somebody else").cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(autouse=True)
def _small_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection reads all of the system's store again."""
    monkeypatch.setenv("SSL_CERT_FILE", str(store))


@pytest.fixture
def trusted(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bad:
    bad.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("ALLOWLIST_CA_FILE", str(tmp_path / "ca.pem"))
    return bad


@asked
def test_an_answer_that_says_nothing_is_told_and_asked_for_once(
    ask: Ask, trusted: Bad, tmp_path: Path
) -> None:
    for name, trusted.given in NOTHING.items():
        trusted.asked.clear()
        with pytest.raises(AllowlistError) as caught:
            ask(trusted.url, tmp_path)
        assert HOST in str(caught.value) or "without a count" in str(caught.value) or "workspace" in str(caught.value), name  # fmt: skip
        assert len(trusted.asked) <= 1, name


def test_an_error_under_200_is_no_whole_answer_of_log_analytics(trusted: Bad, tmp_path: Path) -> None:
    trusted.given = Given(body=b'{"error": {"code": "InternalServerError", "message": "An error occurred."}}')
    doubts = log_analytics(trusted.url, tmp_path)
    assert doubts
    assert all("answered in part" in text for text in cast("tuple[str, ...]", doubts))


@asked
def test_nobody_is_followed_to_another_address(ask: Ask, trusted: Bad, tmp_path: Path) -> None:
    with answering(trusted.authority, Given(body=b"{}")) as elsewhere:
        trusted.given = Given(302, location=f"{elsewhere.url}/there")
        with pytest.raises(AllowlistError):
            ask(trusted.url, tmp_path)
    assert elsewhere.asked == []


@asked
def test_a_certificate_that_is_not_trusted_is_named_with_its_issuer_before_anything_is_sent(
    ask: Ask, bad: Bad, tmp_path: Path
) -> None:
    bad.given = Given(body=b"{}")
    bad.asked.clear()
    with pytest.raises(AllowlistError, match=f"issued by .*O={ORGANIZATION}"):
        ask(bad.url, tmp_path)
    assert bad.asked in ([], [("/", "")])  # whoever asks for the issuer sends no token
