"""A document is looked at closely only where a word of a secret stands in it, and no secret gets by for that."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.observe.secrets import _RULES, _first_secret, _pattern, _scrub_text
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
    assert found == next((name for name, _, text in _RULES if _pattern(text).search(document)), "")


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=14))
def test_what_is_passed_over_is_scrubbed_as_by_every_pattern(parts: list[str]) -> None:
    text = "".join(parts)
    expected = text.encode()
    for _, _, pattern in _RULES:
        expected = _pattern(pattern).sub(b"(removed)", expected)
    assert _scrub_text(text).encode() == expected
