"""One trust setting for sign-in, SDK and httpx; a certificate that is not trusted is named at once, with its issuer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from allowlist.azure.connection import Connection, access_token, connect
from allowlist.catalog.published import fetch
from allowlist.catalog.upstream.pages import PageRef
from allowlist.catalog.upstream.web import WebPages
from allowlist.errors import AllowlistError, CatalogError, TargetUntrusted
from allowlist.notify.sending import ChannelFailed
from allowlist.notify.webhook import Webhook
from allowlist.simulator import Running, Simulator, serve
from allowlist.trust import check_proxies, make_trust, web_client
from tests.azure.test_credential import SIGNED_UP
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.world import now

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
LISTS = {
    "SDK": f"{SUBSCRIPTION}/providers/Microsoft.Network/firewallPolicies",
    "httpx": f"{SUBSCRIPTION}/resourceGroups",
}
SETTINGS = ("--ca-file", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator, tls=tmp_path_factory.mktemp("tls") / "ca.pem") as server:
        yield server


@pytest.fixture(autouse=True)
def signed_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS[1:]:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**SIGNED_UP, "AZURE_AUTHORITY_HOST": running.url}.items():
        monkeypatch.setenv(name, value)


def _connection(running: Running, ca_file: Path | None, credential: str = "client-secret") -> Connection:
    return Connection(endpoint=running.url, credential=credential, ca_file=str(ca_file) if ca_file else None)


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_setting_is_for_sign_in_sdk_and_httpx_alike(
    setting: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.ca_file is not None
    if setting != "--ca-file":
        monkeypatch.setenv(setting, str(running.ca_file))
    with connect(_connection(running, running.ca_file if setting == "--ca-file" else None)) as arm:
        for path in LISTS.values():
            assert list(arm.list(path, "2024-05-01"))


def test_the_flag_wins_over_a_variable_that_leads_nowhere(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    with connect(_connection(running, running.ca_file)) as arm:
        assert list(arm.list(LISTS["SDK"], "2024-05-01"))


@pytest.fixture
def another(tmp_path: Path) -> Path:
    file = tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return file


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
def test_a_certificate_that_is_not_trusted_is_named_with_its_issuer_and_not_asked_again(
    path: str, running: Running, another: Path
) -> None:
    told: list[str] = []
    with (
        connect(_connection(running, another, "none"), notify=told.append) as arm,
        pytest.raises(TargetUntrusted) as caught,
    ):
        list(arm.list(path, "2024-05-01"))
    assert f"the certificate of localhost:{running.port}, issued by " in str(caught.value)
    assert "allowlist simulator" in str(caught.value)
    assert "--ca-file" in caught.value.hint
    assert told == []


def test_signing_in_names_it_too(running: Running, another: Path) -> None:
    with pytest.raises(TargetUntrusted, match=r"issued by .*allowlist simulator"):
        access_token(_connection(running, another))


ISSUED = r"its certificate, issued by .*allowlist simulator.*, is not trusted"


def test_a_page_and_a_catalog_index_name_it_too_and_are_not_asked_again(
    running: Running, tmp_path: Path
) -> None:
    pauses: list[float] = []
    with web_client(make_trust(None, {}), timeout=10) as client:
        pages = WebPages(client=client, cache=tmp_path, sleep=pauses.append, pages_url=running.url)
        with pytest.raises(CatalogError, match=ISSUED):
            pages.read(PageRef(repo="o/r", path="a.md"))
    with pytest.raises(CatalogError, match=ISSUED):
        fetch(f"{running.url}/index.json", 1000)
    assert pauses == []


def test_a_webhook_names_it_too_and_keeps_its_address_to_itself(running: Running) -> None:
    pauses: list[float] = []
    hook = Webhook(
        url=f"{running.url}/secret-path",
        secret="c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
        clock=now,
        sleep=pauses.append,
        environ={},
    )
    with pytest.raises(ChannelFailed, match=ISSUED) as caught:
        hook.send([], "run")
    assert "secret-path" not in str(caught.value)
    assert str(running.port) not in str(caught.value)
    assert pauses == []


def test_a_bundle_of_one_of_the_two_sides_is_enough_for_both(
    running: Running, another: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy that inspects TLS is in one place only: the bundle that is named, or the system's store."""
    assert running.ca_file is not None
    both = tmp_path / "both.pem"
    both.write_text(another.read_text() + running.ca_file.read_text())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
    with connect(_connection(running, None)) as arm:
        assert list(arm.list(LISTS["SDK"], "2024-05-01"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another))
    monkeypatch.setenv("SSL_CERT_FILE", str(running.ca_file))  # what OpenSSL takes for the system's store
    with connect(_connection(running, None)) as arm:
        assert list(arm.list(LISTS["httpx"], "2024-05-01"))


@pytest.mark.parametrize("credential", ["default", "environment"])
def test_a_chain_of_credentials_does_not_swallow_it(
    credential: str, running: Running, another: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    with pytest.raises(TargetUntrusted, match=r"issued by .*allowlist simulator"):
        access_token(_connection(running, another, credential))


@pytest.mark.parametrize("name", ["--ca-file", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("text", [None, "", "no certificate\n"])
def test_a_setting_that_leads_to_no_certificate_is_said_with_its_name(
    name: str, text: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "bundle.pem"
    if text is not None:
        file.write_text(text)
    flag, environ = (str(file), {}) if name == "--ca-file" else (None, {name: str(file)})
    with pytest.raises(AllowlistError, match=rf"{name} names .*bundle\.pem, which "):
        make_trust(flag, environ)


def test_an_empty_setting_counts_as_absent() -> None:
    assert make_trust("", dict.fromkeys(SETTINGS[1:], "")).source == "the system's store"


@pytest.mark.parametrize(
    "value", ["http://", "nonsense:port", "ftp://proxy.example", "http://[bad", "http://a b"]
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_wrong_proxy_is_said_with_the_name_of_its_variable_and_without_its_value(
    name: str, value: str
) -> None:
    with pytest.raises(AllowlistError, match=f"{name} is no address of a proxy") as caught:
        check_proxies({name: value})
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", "proxy.example:8080", "http://user:secret@proxy.example", "https://p:1/"]
)
def test_a_proxy_is_a_host_with_or_without_a_scheme(value: str) -> None:
    check_proxies({"HTTPS_PROXY": value})


def test_this_machine_is_not_asked_through_a_proxy(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with connect(_connection(running, running.ca_file, "none")) as arm:
        for path in LISTS.values():
            assert list(arm.list(path, "2024-05-01"))


@pytest.mark.parametrize(
    "environ", [{"HTTPS_PROXY": "http://"}, {"REQUESTS_CA_BUNDLE": "/nowhere"}, {"AZURE_TOKEN_CREDENTIALS": "x"}]
)  # fmt: skip
def test_no_wrong_value_of_the_environment_is_called_a_defect(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = allowlist("init", "--subscription", "s", "--name", "n", "--catalog", "foundry-hub")
    (name,) = environ
    assert result.code == 1
    assert name in result.err
    assert "defect" not in result.err
