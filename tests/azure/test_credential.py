"""Signing in by explicit choice, and what is said when something is missing for it."""

from __future__ import annotations

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
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SIGNED_UP.items():
        monkeypatch.setenv(name, value)
    made = make_credential(choice, CLOUDS["usgov"], environ=SIGNED_UP)
    assert type(made).__module__.startswith("azure.identity")


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
