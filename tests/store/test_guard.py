"""No secret passes the guard, and nothing harmless is stopped by it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError
from allowlist.store import refuse_secrets, scrubbed

OPERATION = "https://management.azure.com/subscriptions/0/providers/Microsoft.Network/locations/westeurope"
TOKEN = "eyJ0eXAiOiJKV1Qi.eyJvaWQiOiIxMjM0.c2lnbmF0dXJl"

SECRETS = [
    f"{OPERATION}/operations/11-22?api-version=2024-05-01&t=1&c=2",
    f"{OPERATION}/operationResults/11-22",
    f"{OPERATION}/mfeOperationsStatus/jc:11?api-version=2024-10-01",
    "http://127.0.0.1:8080/subscriptions/0/providers/Microsoft.CognitiveServices/locations/w/operationResults/9",
    "Bearer abcdefghijklmnopqrstuvwxyz",
    "failed with header Authorization: Basic dXNlcjpwYXNz",
    TOKEN,
    "https://store.example/feed.json?sv=1&sig=abc%3D",
    "postgresql://allowlist:hunter2@db.example/ledger",
    '{"refresh_token": "0.AX"}',
]
SECRET_MEMBERS = [
    "Authorization",
    "Set-Cookie",
    "password",
    "client_secret",
    "accessToken",
    "Azure-AsyncOperation",
]

HARMLESS = [
    {"location": "westeurope", "etag": 'W/"5e1d"'},
    {"id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p"},
    {"targetUrls": ["www.contoso.com/operations/1", "*.contoso.com/providers/"]},
    {"url": "https://learn.microsoft.com/rest/api/virtualnetwork/operations"},
    {"reason": "basic authentication with bearer tokens is not used here"},
    {"source": "docker.io/library/alpine:3.20", "password": "", "authorization": None},
    {"reason": "see https://example.com:8443/a@b and https://example.com/?design=1"},
    {"digest": "sha256:" + "0a" * 32},
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(AllowlistError, match="the snapshot contains") as refusal:
        refuse_secrets(canonical_json({"detail": [f"polled {secret} twice"]}), "the snapshot")
    assert secret not in str(refusal.value)


@pytest.mark.parametrize("name", SECRET_MEMBERS)
def test_a_member_that_holds_a_secret_by_name_is_refused(name: str) -> None:
    with pytest.raises(AllowlistError, match="a secret member"):
        refuse_secrets(canonical_json({"headers": {name: "x"}}), "the step")


@pytest.mark.parametrize("secret", [SECRETS[0].replace("/", r"\/"), r"https:\/\/a.example\/?a=1\u0026sig=x"])
def test_other_ways_to_spell_json_hide_nothing(secret: str) -> None:
    with pytest.raises(AllowlistError):
        refuse_secrets(f'{{"next": "{secret}"}}'.encode(), "the snapshot")


@pytest.mark.parametrize("document", HARMLESS)
def test_what_only_looks_like_a_secret_passes(document: dict[str, object]) -> None:
    refuse_secrets(canonical_json(document), "the plan")
    assert scrubbed(document) == document


_texts = st.lists(
    st.sampled_from([*SECRETS, "put", " ", '"', "\\", "é", "bearer"]) | st.text(max_size=5), max_size=4
).map("".join)
_documents = st.recursive(
    _texts | st.none() | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_texts | st.sampled_from(SECRET_MEMBERS), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_documents)
def test_whatever_was_scrubbed_is_accepted(document: object) -> None:
    refuse_secrets(canonical_json(scrubbed(document)), "the step")


@given(_documents)
def test_scrubbing_twice_is_scrubbing_once(document: object) -> None:
    once = scrubbed(document)
    assert json.dumps(scrubbed(once)) == json.dumps(once)
