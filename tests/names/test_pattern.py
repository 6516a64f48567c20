"""What each pattern matches, dialect by dialect (Azure Firewall FAQ; managed network pages)."""

import pytest

from allowlist.names import (
    Dialect,
    InvalidPattern,
    NameSet,
    Pattern,
    is_lookalike,
    is_wider_than_registrable,
    lookalike_witness,
    normalise,
    parse_pattern,
    registrable_domain,
    shared_suffix_of,
    witness_outside,
)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*.contoso.com", "any.contoso.com", True),
        ("*.contoso.com", "a.b.contoso.com", True),
        ("*.contoso.com", "contoso.com", False),
        ("*.contoso.com", "notcontoso.com", False),
        ("*contoso.com", "contoso.com", True),
        ("*contoso.com", "th3re4lcontoso.com", True),
        ("*", "anything.example", True),
        ("www.contoso.com", "www.contoso.com", True),
        ("www.contoso.com", "a.www.contoso.com", False),
    ],
)
def test_a_pattern_matches_by_ends_with(pattern: str, name: str, expected: bool) -> None:
    assert parse_pattern(pattern).matches(name) is expected
    assert (name in NameSet([pattern])) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("aabbcc*.test.local", "first character"),
        ("test.*.testcom.com", "first character"),
        ("*.*.test.local", "first character"),
        ("www.contoso.*", "first character"),
        ("https://contoso.com", "URL"),
        ("contoso.com/path", "URL"),
        ("contoso.com:443", "port"),
        ("con toso.com", "blank"),
        ("-contoso.com", "host name"),
        ("a..b", "host name"),
        ("10.0.0.1", "address"),
        (f"{'a' * 64}.com", "host name"),
        (".".join(["a" * 60] * 5), "longer than"),
    ],
)
def test_what_is_no_pattern_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidPattern, match=reason):
        parse_pattern(text)


@pytest.mark.parametrize("dialect", [Dialect.NETWORK_RULE, Dialect.ACCOUNT_ALLOW_LIST])
def test_some_dialects_take_no_wildcard(dialect: Dialect) -> None:
    assert parse_pattern("a.contoso.com", dialect) == Pattern("a.contoso.com")
    with pytest.raises(InvalidPattern):
        parse_pattern("*.contoso.com", dialect)


@pytest.mark.parametrize("dialect", [Dialect.MANAGED_NETWORK, Dialect.AGENT_EGRESS])
@pytest.mark.parametrize("text", ["*contoso.com", "*"])
def test_managed_networks_take_only_whole_label_wildcards(dialect: Dialect, text: str) -> None:
    assert parse_pattern("*.contoso.com", dialect) == Pattern("*.contoso.com")
    with pytest.raises(InvalidPattern):
        parse_pattern(text, dialect)


def test_names_are_compared_in_lower_case_punycode_without_the_trailing_dot() -> None:
    assert normalise("MCR.Microsoft.COM.") == "mcr.microsoft.com"
    assert parse_pattern("*.Bücher.example") == Pattern("*.xn--bcher-kva.example")


def test_a_double_hyphen_is_a_legal_name() -> None:
    assert parse_pattern("test--a.com") == Pattern("test--a.com")


def test_a_lookalike_is_shown_by_a_name_a_stranger_could_register() -> None:
    assert is_lookalike(Pattern("*contoso.com"))
    assert lookalike_witness(Pattern("*contoso.com")) == "xcontoso.com"
    assert not is_lookalike(Pattern("*.contoso.com"))
    assert not is_lookalike(Pattern("*"))
    assert lookalike_witness(Pattern("contoso.com")) is None


def test_wildcards_above_a_registrable_domain_are_known() -> None:
    assert is_wider_than_registrable(Pattern("*.co.uk"))
    assert is_wider_than_registrable(Pattern("*.com"))
    assert is_wider_than_registrable(Pattern("*"))
    assert not is_wider_than_registrable(Pattern("*.contoso.co.uk"))
    assert not is_wider_than_registrable(Pattern("com"))
    assert registrable_domain("a.b.contoso.co.uk") == "contoso.co.uk"


@pytest.mark.parametrize(
    ("pattern", "shared"),
    [
        ("*.blob.core.windows.net", "blob.core.windows.net"),
        ("*.windows.net", "blob.core.windows.net"),
        ("*.westeurope.azurecr.io", "azurecr.io"),
        ("contoso.blob.core.windows.net", None),
        ("*.contoso.blob.core.windows.net", "blob.core.windows.net"),
        ("*.vscode.dev", None),
    ],
)
def test_suffixes_strangers_can_get_names_under_are_known(pattern: str, shared: str | None) -> None:
    found = shared_suffix_of(Pattern(pattern))
    assert (found and found.suffix) == shared


def test_a_set_with_holes_says_so() -> None:
    names = NameSet(["*.a.com"]) - NameSet(["b.a.com"])
    assert list(names.terms()) == ["*.a.com except b.a.com"]
    assert names.patterns() is None
    assert names.witness() == "x.a.com"
    assert NameSet(["*.a.com", "*.b.a.com"]).patterns() == (Pattern("*.a.com"),)


def test_top_level_domains_answered_without_the_list_agree_with_it() -> None:
    from publicsuffixlist import PublicSuffixList

    from allowlist.names.suffixes import _FLAT

    known = PublicSuffixList(only_icann=True)
    for top in _FLAT:
        for name in (f"a.{top}", f"b.a.{top}", f"c.b.a.{top}"):
            assert registrable_domain(name) == known.privatesuffix(name)


def test_a_domain_is_found_in_the_part_of_the_list_that_speaks_of_it() -> None:
    from publicsuffixlist import PublicSuffixList

    known = PublicSuffixList(only_icann=True)
    tops = ("uk", "jp", "ck", "il", "xn--p1ai", "xn--fiqs8s", "no", "example", "a9", "org")
    listed = {item for item in known._publicsuffix if item.rpartition(".")[2] in tops}
    assert len(listed) > 2000
    for suffix in sorted(listed)[::20]:
        name = suffix.lstrip("!").replace("*.", "w.")
        for text in (name, f"x.{name}", f"y.x.{name}"):
            assert registrable_domain(text) == known.privatesuffix(text)


def test_a_name_outside_the_holes_is_in_none_of_them_by_any_wildcard() -> None:
    holes = {"*x.a.com", "x.b.com", "*.x.b.com"}
    found = witness_outside("*.a.com", holes)
    assert found is not None
    assert not any(Pattern(hole).matches(found) for hole in holes)
    assert witness_outside("*.b.com", holes) not in (None, "x.b.com")


def test_a_set_is_told_by_its_value() -> None:
    one, other = NameSet(["a.com", "*.a.com"]), NameSet(["*.a.com", "a.com"])
    assert {one, other} == {one}
    assert one != "a.com"
