"""A document is looked at closely only where a word of a secret stands in it, and no secret gets by for that."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.observe.secrets import _PATTERNS, _first_secret
from tests.helpers.laws import examples

PARTS = (
    "Bearer ", "bEARER\t", "a" * 24, "Authorization", ": ", "BASIC ", "dXNlcg==", "eyJhbGciOi", ".", "EYJzdWIiOi",
    "https://", "https:\\/\\/", "contoso.example", "/providers/", "\\/providers\\/", "Microsoft.Network/", "OPERATIONresults/",
    "azureAsyncOperation/", "x", "?sig=", "&SIG=", "\\u0026sig=", "ftp://", "user", ":", "pass", "@", '"', '\\"', "'",
    "password", "Client_Secret", "clientassertion", "accessToken", "id_token", "Set-Cookie", "Azure-AsyncOperation",
    "Operation-Location", "x-ms-authorization-auxiliary", " ", "(removed)", "é", "\x00", "K", "ſ",
)  # fmt: skip


@settings(max_examples=examples(1000), deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=14))
def test_what_is_passed_over_holds_no_secret(parts: list[str]) -> None:
    document = "".join(parts).encode()
    found = _first_secret(document)
    event(found or "none")
    assert found == next((name for name, _, pattern in _PATTERNS if pattern.search(document)), "")
