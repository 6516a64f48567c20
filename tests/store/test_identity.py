"""Who decides, as far as it can be told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from allowlist.errors import AllowlistError
from allowlist.store.identity import identity_of_os_user, identity_of_token

ADA = {"oid": "0a-1", "tid": "7e-9", "upn": "Ada@Example.com", "appid": "04b07795"}
JOB = {"oid": "0b-2", "tid": "7e-9", "appid": "C0FFEE-1", "idtyp": "app"}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims: dict[str, Any]) -> str:
    return ".".join((encoded(b'{"alg":"RS256"}'), encoded(json.dumps(claims).encode()), "c2ln"))


def test_a_signed_in_user_is_verified_under_the_sign_in_name() -> None:
    found = identity_of_token(token(ADA))
    assert (found.who, found.kind, found.object_id, found.tenant) == (
        "ada@example.com",
        "verified",
        "0a-1",
        "7e-9",
    )


@pytest.mark.parametrize("claim", ["preferred_username", "unique_name", "email"])
def test_a_user_without_upn_is_known_by_the_next_best_claim(claim: str) -> None:
    claims = {"oid": "0a-1", "tid": "7e-9", claim: "guest@partner.example"}
    assert identity_of_token(token(claims)).who == "guest@partner.example"


def test_a_workload_is_verified_under_its_client_id() -> None:
    assert identity_of_token(token(JOB)).who == "app:c0ffee-1"
    assert identity_of_token(token({"oid": "0b-2", "tid": "7e-9", "azp": "c0ffee-1"})).who == "app:c0ffee-1"


def test_a_workload_cannot_pass_for_a_user() -> None:
    assert identity_of_token(token({**JOB, "upn": "ada@example.com"})).who == "app:c0ffee-1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a JSON Web Token"),
        ("abc", "not a JSON Web Token"),
        ("a.b.c.d", "not a JSON Web Token"),
        ("a.!!!.c", "cannot be read"),
        (f"a.{encoded(b'[1]')}.c", "cannot be read"),
        (f"a.{encoded(bytes([255, 254]))}.c", "cannot be read"),
        (token({"upn": "ada@example.com"}), "names no object id and tenant"),
        (token({"oid": ["x"], "tid": "7e-9", "upn": "ada@example.com"}), "names no object id and tenant"),
        (token({"oid": "0a-1", "tid": "7e-9"}), "names neither a user nor an application"),
    ],
)
def test_a_token_that_does_not_tell_is_refused_without_being_repeated(text: str, why: str) -> None:
    with pytest.raises(AllowlistError, match=why) as caught:
        identity_of_token(text)
    assert caught.value.hint
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "who"),
    [
        ({"LOGNAME": "ada", "USER": "root"}, "os:ada@laptop"),
        ({"USER": "ada"}, "os:ada@laptop"),
        ({"USERNAME": "Ada Lovelace"}, "os:Ada Lovelace@laptop"),
        ({}, "os:unknown@laptop"),
    ],
)
def test_a_person_at_a_machine_is_unverified(environ: dict[str, str], who: str) -> None:
    found = identity_of_os_user(environ, "laptop")
    assert (found.who, found.kind) == (who, "unverified")


def test_no_name_at_a_machine_looks_like_a_verified_one() -> None:
    assert identity_of_os_user({"USER": "ada"}, "example.com").who != identity_of_token(token(ADA)).who
