"""Each format writes any list it can say, and its files mean exactly that list to the engine that reads them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.filters.export import Export, differences_between, export
from allowlist.filters.format import Format, TroubleKind
from allowlist.filters.lists import Kind, Service, lists_of
from allowlist.filters.registry import FORMATS
from allowlist.names import NameSet
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.requirement import Origin, Requirement
from tests.helpers.laws import examples

HTTPS = ("https", 443)
HTTP = ("http", 80)

every_format = pytest.mark.parametrize("engine", FORMATS.values(), ids=FORMATS.keys())


def wanted(*patterns: str, service: tuple[str, int] = HTTPS, entry: str = "e") -> list[Requirement]:
    protocol, port = service
    origin = Origin(catalog="demo", version="1.0.0", entry=entry)
    return [
        Requirement(origin=origin, sources=EVERYWHERE, protocol=protocol, ports=(port, port), pattern=pattern)
        for pattern in patterns
    ]


labels = st.sampled_from(
    ["a", "b", "api", "my-api", "xn--bcher-kva", "a-label-of-some-length-that-is-not-short"]
)
hosts = st.lists(labels, min_size=1, max_size=4).map(lambda parts: ".".join([*parts, "contoso", "com"]))
patterns = st.one_of(hosts, hosts.map(lambda host: f"*.{host}"), hosts.map(lambda host: f"*{host}"))
lists = st.lists(
    st.tuples(patterns, st.sampled_from([HTTPS, HTTP, ("https", 8443), ("tcp", 1433)])),
    min_size=1,
    max_size=12,
).map(lambda items: [one for pattern, service in items for one in wanted(pattern, service=service)])


@every_format
@given(requirements=lists)
@settings(max_examples=examples(25), deadline=None)
def test_what_is_written_means_what_was_wanted_or_is_named(
    engine: Format, requirements: list[Requirement]
) -> None:
    found = export(engine, requirements, "demo")
    assert found.wrong == ()
    read = engine.read(found.files)
    asked, _ = lists_of(requirements)
    seen, _ = asked.seen_by(engine.sees)
    named = {widening.wanted for widening in found.widenings} | {
        left.what.split()[0] for left in found.left_out
    }
    for service, names in seen.meaning.items():
        passing = read.allowed_at(service)
        difference = (names - passing) | (passing - names)
        assert not difference or named


@every_format
@given(requirements=lists)
@settings(max_examples=examples(10), deadline=None)
def test_the_same_list_in_any_order_gives_the_same_bytes(
    engine: Format, requirements: list[Requirement]
) -> None:
    assert export(engine, requirements, "demo").files == export(engine, requirements[::-1], "demo").files


@every_format
def test_an_exact_name_and_its_subtree_are_said_exactly_or_refused(engine: Format) -> None:
    found = export(engine, wanted("contoso.com", "*.contoso.com", "a.b.contoso.com"), "demo")
    assert found.wrong == ()
    assert bool(found.left_out) == (engine.name == "kubernetes")
    assert bool(found.widenings) == (Kind.TREE not in engine.says and not found.left_out)


@every_format
def test_every_entry_says_who_wants_it_where_the_format_has_comments(engine: Format) -> None:
    found = export(engine, wanted("contoso.com", "www.contoso.com", entry="sign-in"), "demo")
    text = "".join(found.files.values())
    if engine.name == "kubernetes":
        assert "contoso.com" not in text
    elif engine.name in (
        "envoy-sni",
        "envoy-proxy",
        "aws-domain-list",
        "cilium",
        "gcp-swp",
        "pan-os-category",
    ):
        assert "contoso.com" in text
    else:
        assert "demo@1.0.0#sign-in" in text


def export_of(name: str, *requirements: Requirement) -> Export:
    return export(FORMATS[name], requirements, "demo")


def test_unbound_cannot_say_one_name_and_names_what_would_open() -> None:
    found = export_of("unbound", *wanted("login.contoso.com"))
    assert [(item.wanted, item.witness) for item in found.widenings] == [
        ("login.contoso.com", "x.login.contoso.com")
    ]


def test_a_domain_list_of_aws_cannot_leave_out_the_apex() -> None:
    found = export_of("aws-domain-list", *wanted("*.contoso.com"))
    assert [item.witness for item in found.widenings] == ["contoso.com"]


@pytest.mark.parametrize("name", ["envoy-sni", "rpz", "cilium", "pan-os", "fortigate", "gcp-swp"])
def test_a_suffix_without_a_dot_is_left_out_where_no_form_says_it(name: str) -> None:
    found = export_of(name, *wanted("*contoso.com"))
    assert [item.what for item in found.left_out]
    assert "contoso" not in "".join(found.files.values())


def test_names_of_a_protocol_the_engine_does_not_see_are_left_out_by_name() -> None:
    found = export_of("squid", *wanted("sql.contoso.com", service=("mssql", 1433)))
    assert [item.what for item in found.left_out] == ["sql.contoso.com mssql:1433"]


def test_squid_never_gets_a_name_beside_its_own_subtree() -> None:
    found = export_of("squid", *wanted("contoso.com", "*.contoso.com", "www.contoso.com"))
    assert [line for line in found.files["allowlist-https-443.names"].splitlines() if line[:1] != "#"] == [
        ".contoso.com"
    ]


def test_nginx_gets_room_for_long_names() -> None:
    name = "a-very-long-account-name-with-forty-seven-characters.contoso.com"
    text = export_of("nginx", *wanted(name)).files["allowlist-https-443.conf"]
    assert "map_hash_bucket_size 192;" in text


# What others wrote


def read(name: str, **files: str) -> tuple[dict[Service, NameSet], list[tuple[TroubleKind, str]]]:
    found = FORMATS[name].read({file.replace("_", "."): text for file, text in files.items()})
    return found.allowed, [(trouble.kind, trouble.entry) for trouble in found.troubles]


def test_squid_with_asterisks_loads_and_lets_nothing_through() -> None:
    allowed, troubles = read(
        "squid",
        squid_conf="acl ok dstdomain *.contoso.com\nacl p port 443\nhttp_access allow ok p\nhttp_access deny all\n",
    )
    assert not any(allowed.values())
    assert troubles == [(TroubleKind.DEAD, "*.contoso.com")]


def test_squid_with_a_parent_beside_its_child_does_not_start() -> None:
    _, troubles = read(
        "squid", squid_conf="acl ok dstdomain www.contoso.com .contoso.com\nhttp_access allow ok\n"
    )
    assert (TroubleKind.CONFLICT, "www.contoso.com") in troubles


def test_squid_decides_in_the_order_of_its_lines() -> None:
    allowed, _ = read(
        "squid",
        squid_conf="acl no dstdomain .evil.contoso.com\nacl ok dstdomain .contoso.com\n"
        "http_access deny no\nhttp_access allow ok\nhttp_access deny all\n",
    )
    names = allowed[Service("any")]
    assert "www.contoso.com" in names
    assert "x.evil.contoso.com" not in names


def test_a_condition_that_is_not_about_names_is_told_and_opens_nothing() -> None:
    allowed, troubles = read(
        "squid", squid_conf="acl t time 09:00-17:00\nacl ok dstdomain a.com\nhttp_access allow ok t\n"
    )
    assert not any(allowed.values())
    assert troubles[0][0] is TroubleKind.OPAQUE


def test_nginx_refuses_a_name_beside_its_dotted_form() -> None:
    _, troubles = read(
        "nginx",
        a_conf="map $ssl_preread_server_name $allow_443 {\n hostnames;\n contoso.com 1;\n .contoso.com 1;\n}\n",
    )
    assert troubles == [(TroubleKind.CONFLICT, ".contoso.com")]


def test_a_zone_with_its_block_rule_inside_opens_more_than_it_lists() -> None:
    zone = "$TTL 300\n@ SOA localhost. root.localhost. 1 12h 15m 3w 2h\n@ NS localhost.\ncontoso.com CNAME rpz-passthru.\n* CNAME .\n"
    _, troubles = read("rpz", a_zone=zone)
    assert (TroubleKind.OPAQUE, "*") in troubles


def test_an_entry_below_a_wildcard_hides_it() -> None:
    zone = "*.contoso.com CNAME rpz-passthru.\na.b.contoso.com CNAME rpz-passthru.\n"
    allowed, troubles = read("rpz", allowlist_pass_zone=zone, allowlist_block_zone="* CNAME .\n")
    names = next(iter(allowed.values()))
    assert "www.contoso.com" in names
    assert "x.b.contoso.com" not in names
    assert TroubleKind.HIDES in [kind for kind, _ in troubles]


def test_the_longest_entry_of_dnsmasq_wins_whatever_the_order() -> None:
    allowed, _ = read("dnsmasq", a_conf="local=/bad.contoso.com/\nserver=/contoso.com/10.0.0.1\nlocal=/#/\n")
    names = next(iter(allowed.values()))
    assert "www.contoso.com" in names
    assert "x.bad.contoso.com" not in names


def test_haproxy_that_folds_nothing_is_told_by_entry() -> None:
    _, troubles = read("haproxy", a_cfg="acl ok_443 req.ssl_sni -m end .contoso.com\n")
    assert troubles == [(TroubleKind.OPAQUE, ".contoso.com")]


def test_an_entry_without_its_closing_slash_goes_on_to_the_right_in_pan_os() -> None:
    _, troubles = read("pan-os", list_https_443="*.contoso.com\n")
    assert troubles == [(TroubleKind.OPAQUE, "*.contoso.com")]


def test_a_network_policy_of_kubernetes_says_every_name_and_no_single_one() -> None:
    everything = export_of("kubernetes", *wanted("*"))
    assert everything.is_exact
    refused = export_of("kubernetes", *wanted("contoso.com"))
    assert [item.why for item in refused.left_out] == ["Kubernetes NetworkPolicy cannot say 'one name'"]


CANNOT = {
    "envoy-sni": "*contoso.com",
    "rpz": "*contoso.com",
    "unbound": "contoso.com",
    "aws-domain-list": "*.contoso.com",
    "cilium": "*contoso.com",
    "kubernetes": "contoso.com",
    "pan-os": "*contoso.com",
    "pan-os-category": "*contoso.com",
    "fortigate": "*contoso.com",
    "gcp-swp": "*contoso.com",
}
"""By format, a list that it cannot say; every format that is not here says all of them."""


@every_format
def test_what_a_format_cannot_say_is_never_written_as_if_it_could(engine: Format) -> None:
    pattern = CANNOT.get(engine.name)
    if pattern is None:
        assert engine.says == frozenset(Kind)
        return
    found = export(engine, wanted(pattern), "demo")
    assert not found.is_exact
    assert found.left_out or found.widenings[0].witness


@every_format
def test_a_wider_file_than_the_list_is_never_proved_equal(engine: Format) -> None:
    """The widening that must be refused: the files of a wider list, held against the narrower one."""
    if Kind.TREE in engine.says:
        narrow = wanted("a.contoso.com", "*.a.contoso.com")
        wide = [*narrow, *wanted("b.contoso.com", "*.b.contoso.com")]
    else:
        narrow = wanted("*")
        wide = [*narrow, *wanted("*", service=("https", 8443))]
    lists, _ = lists_of(narrow)[0].seen_by(engine.sees)
    (wrong, *_) = differences_between(engine, export(engine, wide, "demo").files, lists)
    assert "also opens" in wrong
    assert differences_between(engine, export(engine, narrow, "demo").files, lists) == []


@every_format
def test_what_others_named_never_becomes_a_statement(engine: Format) -> None:
    """A plan out of a file names its workload and its entries as it likes, line ends and quotation marks included."""
    hostile = '"\nhttp_access allow all\x85server=8.8.8.8\u2028pass tls any any -> any any (sid:1;) "'
    usual = export(engine, wanted("contoso.com"), "demo").files
    found = export(engine, wanted("contoso.com", entry=hostile), hostile)
    assert found.wrong == ()

    def statements(files: dict[str, str]) -> list[str]:
        lines = [line for text in files.values() for line in text.splitlines()]
        return [line for line in lines if line.strip()[:1] not in ("#", ";") and "comment" not in line]

    mine, theirs = statements(usual), statements(found.files)
    assert [line for line in theirs if "description" not in line] == [
        line for line in mine if "description" not in line
    ]
    assert all(line.count('"') % 2 == 0 for text in found.files.values() for line in text.splitlines())


HOSTILE = (
    "x\n.evil.example",
    "x\r\nacl allowed dstdomain .evil.example",
    "x\u2028evil.example\x85evil.example\x0bevil.example\x0cevil.example",
    'x" next set fqdn "evil.example',
    "x */ evil.example /* ",
    "x\x1b[2J\x1b]0;evil\x07\x00\u202e",
    "x\\",
)


@every_format
def test_whoever_is_named_in_a_comment_cannot_end_it(engine: Format) -> None:
    """Names of workloads, targets, catalogs and entries come from files of others."""
    calm = export(engine, wanted("api.contoso.com", "*.contoso.com"), "demo").files
    for text in HOSTILE:
        found = export(engine, wanted("api.contoso.com", "*.contoso.com", entry=text), text)

        assert found.wrong == ()
        assert engine.read(found.files).allowed_at(Service(*HTTPS)) == engine.read(calm).allowed_at(
            Service(*HTTPS)
        )
        for name, written in found.files.items():
            shown = [item for item in written if not (item.isprintable() or item == "\n")]
            assert shown in ([], ["\t"] * len(shown)), (name, shown)
            assert written.count('"') == calm[name].count('"')
            assert written.count("*/") == calm[name].count("*/")
            told = (line for line in written.splitlines() if 'description "' not in line)
            code = [line for line in told if "evil" in line]
            assert all(line.lstrip().startswith(("#", ";", "//", '"//', "set comment")) for line in code) or (
                name.endswith((".json", ".yaml"))
            ), code
