"""Signing in by explicit choice, and what is said when something is missing for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from allowlist.azure.answers import Answer, error_of
from allowlist.azure.clouds import CLOUDS, Cloud
from allowlist.azure.credential import CHOICES, make_credential, token_of
from allowlist.errors import AllowlistError, TargetDenied
from allowlist.simulator import Simulator, serve

SIGNED_UP = {
    "AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000009",
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000008",
    "AZURE_CLIENT_SECRET": "not a secret",
    "AZURE_FEDERATED_TOKEN_FILE": "token",
}


@pytest.mark.parametrize("choice", [item for item in CHOICES if item not in ("none", "client-certificate")])
def test_every_choice_makes_a_credential_of_azure_identity(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("t")
    environ = {**SIGNED_UP, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    made = make_credential(choice, CLOUDS["usgov"], environ=environ)
    assert made is not None
    assert type(made.source).__module__.startswith("azure.identity")


@pytest.mark.parametrize("choice", ["client-secret", "client-certificate", "workload-identity"])
def test_what_is_missing_in_the_environment_is_named(choice: str) -> None:
    with pytest.raises(AllowlistError, match="AZURE_CLIENT_ID"):
        make_credential(choice, CLOUDS["public"], environ={"AZURE_TENANT_ID": "t"})


def test_a_certificate_that_is_not_there_is_told(tmp_path: Any) -> None:
    environ = {**SIGNED_UP, "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "gone.pem")}
    with pytest.raises(AllowlistError, match=r"gone\.pem"):
        make_credential("client-certificate", CLOUDS["public"], environ=environ)


def test_nobody_signed_in_is_told_in_words() -> None:
    with pytest.raises(TargetDenied, match="signing in failed"):
        token_of(make_credential("environment", CLOUDS["public"], environ={}), CLOUDS["public"])


def test_a_client_secret_signs_in_at_another_resource_manager(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Simulator(), tls=tmp_path / "ca.pem") as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
        environ = {**SIGNED_UP, "AZURE_AUTHORITY_HOST": running.url}
        cloud = Cloud(running.url, CLOUDS["public"].authority)
        for tenant in ("", "00000000-0000-0000-0000-000000000007"):
            made = make_credential(
                "client-secret", cloud, verify_authority=False, tenant=tenant, environ=environ
            )
            assert token_of(made, cloud)


AZ = """#!/bin/sh
echo x >> "$COUNTED"
[ "$1 $2" = "account get-access-token" ] || exit 1
echo '{"accessToken": "t", "expires_on": '$(($(date +%s) + LIFE))', "tokenType": "Bearer"}'
"""


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Azure CLI that is signed in and counts how often it was started."""
    tool, counted = tmp_path / "bin" / "az", tmp_path / "counted"
    tool.parent.mkdir()
    tool.write_text(AZ)
    tool.chmod(0o755)
    counted.touch()
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    monkeypatch.setenv("COUNTED", str(counted))
    return counted


@pytest.mark.parametrize(("life", "starts"), [(3600, 1), (200, 12)])
def test_a_token_is_kept_until_it_is_near_its_end(
    az: Path, life: int, starts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFE", str(life))
    made = make_credential("cli", CLOUDS["public"])
    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(lambda _: token_of(made, CLOUDS["public"]), range(12)))
    assert tokens == {"t"}
    assert len(az.read_text().split()) == starts


WRONG = {
    "AZURE_TOKEN_CREDENTIALS": ("default", "nonsense"),
    "AZURE_AUTHORITY_HOST": ("client-secret", "http://login.example"),
    "AZURE_TENANT_ID": ("client-secret", "not a tenant"),
    "AZURE_CLIENT_CERTIFICATE_PATH": ("default", "gone.pem"),
    "AZURE_FEDERATED_TOKEN_FILE": ("workload-identity", "gone.token"),
}


@pytest.mark.parametrize(("name", "choice", "value"), [(name, *rest) for name, rest in WRONG.items()])
def test_a_wrong_value_of_the_environment_is_said_with_its_name_and_is_no_defect(
    name: str, choice: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in ("AZURE_TOKEN_CREDENTIALS", *SIGNED_UP):
        monkeypatch.delenv(known, raising=False)
    environ = {**SIGNED_UP, name: value}
    if name != "AZURE_FEDERATED_TOKEN_FILE":
        del environ["AZURE_FEDERATED_TOKEN_FILE"]
    monkeypatch.setenv(name, value)
    with pytest.raises(AllowlistError) as caught:
        token_of(make_credential(choice, CLOUDS["public"], environ=environ), CLOUDS["public"])
    assert name in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"])
def test_an_empty_variable_counts_as_absent(name: str) -> None:
    choice = "client-secret" if name.endswith("SECRET") else "client-certificate"
    with pytest.raises(AllowlistError, match=f"needs .*{name}"):
        make_credential(choice, CLOUDS["public"], environ={**SIGNED_UP, name: ""})


def test_each_credential_that_was_tried_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    with pytest.raises(TargetDenied) as caught:
        token_of(make_credential("default", CLOUDS["public"], environ={}), CLOUDS["public"])
    lines = str(caught.value).splitlines()
    assert any(line.startswith("AzureCliCredential: Azure CLI not found") for line in lines)
    assert "az login" in caught.value.hint
    assert capfd.readouterr().err == ""


FORBIDDEN = (
    "The client 'ci' with object id '3333' does not have authorization to perform action "
    "'Microsoft.Network/firewallPolicies/read' over scope '/subscriptions/s/resourceGroups/g' or the scope is invalid."
)
LINKED = (
    "The client 'ci' with object id '3333' has permission to perform action "
    "'Microsoft.Network/firewallPolicies/write' on scope '/subscriptions/s/p'; however, it does not have permission "
    "to perform action(s) 'Microsoft.Network/ipGroups/join/action' on the linked scope(s) '/subscriptions/s/ip' or the "
    "linked scope(s) are invalid."
)  # fmt: skip


@pytest.mark.parametrize(
    ("message", "action", "scope"),
    [
        (FORBIDDEN, "Microsoft.Network/firewallPolicies/read", "/subscriptions/s/resourceGroups/g"),
        (LINKED, "Microsoft.Network/ipGroups/join/action", "/subscriptions/s/ip"),
    ],
)
def test_a_missing_right_is_named_with_its_scope(message: str, action: str, scope: str) -> None:
    body = f'{{"error": {{"code": "AuthorizationFailed", "message": "{message}"}}}}'.encode()
    error = error_of(Answer(403, {}, body), "GET groups/rcg")
    assert isinstance(error, TargetDenied)
    assert (
        str(error)
        == f"GET groups/rcg was answered 403: the identity 3333 lacks the right {action} on {scope}"
    )
    assert action in error.hint
