"""A catalog is read whole or refused with every mistake and its place."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.catalog import Direction, Kind, Port, Protocol, parse_catalog, parse_port
from allowlist.documents.source import parse_yaml_source
from allowlist.errors import InvalidInput
from tests.helpers.catalogs import catalog, document, entry, read, text_of


def mistakes(made: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read(made)
    return [problem.message for problem in caught.value.problems]


def test_a_port_is_a_protocol_with_one_number_a_range_or_all() -> None:
    assert parse_port("https:443") == Port(Protocol.HTTPS, 443, 443)
    assert parse_port("tcp:8704-8710") == Port(Protocol.TCP, 8704, 8710)
    assert parse_port("any:*") == Port(Protocol.ANY, 0, 65535)
    assert parse_port("icmp") == Port(Protocol.ICMP, 0, 65535)


@pytest.mark.parametrize("text", ["https:443", "tcp:8704-8710", "udp:*"])
def test_a_port_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_port(text)) == text


@pytest.mark.parametrize(
    "text", ["https", "htps:443", "tcp:", "tcp:70000", "tcp:9-3", "tcp:0", "tcp:four", ":443"]
)
def test_a_wrong_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_port(text)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("tcp:443", "https:443", True),
        ("https:443", "tcp:443", False),
        ("any:*", "udp:53", True),
        ("tcp:1-1024", "tcp:443", True),
        ("udp:443", "https:443", False),
    ],
)
def test_a_port_covers_what_it_lets_through(wide: str, narrow: str, covered: bool) -> None:
    assert parse_port(wide).covers(parse_port(narrow)) is covered


def test_every_kind_of_destination_is_read() -> None:
    found = catalog(
        entry("a", pattern="*.{region}.contoso.com"),
        entry("b", service_tag="AzureMonitor", ports=["tcp:443"]),
        entry("c", fqdn_tag="WindowsUpdate"),
        entry("d", private_endpoint="privatelink.contoso.com", sub_resource="blob"),
        entry("e", addresses=["10.0.0.0/8", "100.64.0.0/10"], ports=["any:*"]),
        entry("f", ports_only=True, ports=["tcp:8704-8710"]),
        entry("g", nothing=True),
        entry("h", service_tag="ActionGroup", direction="inbound", consumers=None, ports=["tcp:443"]),
    )
    kinds = [item.kind for item in found.entries]
    assert kinds == [*Kind, Kind.SERVICE_TAG]
    assert found.entries[4].addresses == ("10.0.0.0/8", "100.64.0.0/10")
    assert found.entries[3].is_private_zone
    assert [item.is_egress for item in found.entries] == [True] * 6 + [False, False]
    assert found.entries[7].direction is Direction.INBOUND


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"pattern": None, "nothing": None}, "names none"),
        ({"service_tag": "AzureMonitor"}, "names pattern and service_tag"),
        ({"pattern": "https://api.contoso.com"}, "is a URL"),
        ({"pattern": "api.contoso.com:443"}, "names a port"),
        ({"pattern": "a*.contoso.com"}, "asterisk that is not the first"),
        ({"pattern": "10.1.2.3"}, "is an address"),
        ({"pattern": "\u0430pi.contoso.com"}, "outside ASCII"),
        ({"pattern": "{zone}.contoso.com"}, "not declared under placeholders"),
        ({"pattern": None, "service_tag": "Azure Machine Learning"}, "is no tag"),
        ({"ports": ["https443"]}, "no known protocol"),
        ({"ports": []}, "lacks ports"),
        ({"need": "conditional"}, "no condition says when"),
        ({"condition": "always"}, "stands beside 'need: required'"),
        ({"scenario": "cores"}, "did you mean 'core'?"),
        ({"consumers": []}, "lacks consumers"),
        ({"since": "1.1.0"}, "is not among the releases"),
        ({"until": "1.0.0"}, "does not come after since"),
        ({"sub_resource": "blob"}, "belongs to a private_endpoint only"),
        ({"need": "requird"}, "did you mean 'required'?"),
        ({"clouds": ["publik"]}, "did you mean 'public'?"),
        ({"porposes": "x"}, "unknown key 'porposes'; did you mean 'purpose'?"),
        ({"direction": "inbound"}, "must be empty"),
    ],
)
def test_a_wrong_entry_is_refused_with_the_reason(wrong: dict[str, Any], complaint: str) -> None:
    made = document({key: item for key, item in {**entry(), **wrong}.items() if item is not None})
    assert any(complaint in message for message in mistakes(made)), mistakes(made)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"name": "other"}, "but the file is called"),
        ({"schema": "allowlist/catalog/v2"}, "expected 'allowlist/catalog/v1'"),
        (
            {"releases": [{"version": "0.9.0", "date": "2024-01-01", "digest": "sha256:" + "0" * 64}]},
            "first release is 1.0.0",
        ),
        (
            {"releases": [{"version": "1.0.0", "date": "yesterday", "digest": "sha256:" + "0" * 64}]},
            "does not match",
        ),
        ({"releases": [{"version": "1.0.0", "date": "2024-01-01", "digest": "md5:1"}]}, "does not match"),
    ],
)
def test_a_wrong_document_is_refused_with_the_reason(wrong: dict[str, Any], complaint: str) -> None:
    made = {**document(), **wrong}
    with pytest.raises(InvalidInput) as caught:
        parse_catalog(parse_yaml_source(text_of(made), "contoso.yaml"), name="contoso")
    assert complaint in str(caught.value)


def test_releases_must_ascend_in_version_and_date() -> None:
    made = document(versions=("1.0.0", "1.2.0", "1.1.0"))
    made["releases"][2]["date"] = "2023-01-01"
    assert mistakes(made) == [
        "1.1.0 does not come after 1.2.0",
        "2023-01-01 lies before 2024-02-01; releases ascend",
    ]


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = text_of(document(entry("a", ports=["x:1"]), entry("a", scenario="none")))
    with pytest.raises(InvalidInput) as caught:
        parse_catalog(parse_yaml_source(text, "contoso.yaml"), name="contoso")
    lines = text.splitlines()
    places = [(lines[problem.line - 1].strip(), problem.column) for problem in caught.value.problems]
    assert places == [("- id: a", 3), ("- x:1", 5), ("scenario: none", 3)]


@pytest.mark.parametrize(
    "text",
    [
        "name: &anchor contoso\nother: *anchor\n",
        "name: !!python/object:os.system x\n",
        "name: a\nname: b\n",
        "name: \u202econtoso\n",
        "name: \x07contoso\n",
        f"name: {'x' * 1_000_000}\n",
        "{" * 200,
    ],
)
def test_what_a_strangers_file_may_not_hold_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_catalog(parse_yaml_source(text, "contoso.yaml"), name="contoso")
    assert all(problem.line > 0 for problem in caught.value.problems)
