"""The lists of all catalogs, on real engines: each lets exactly the names through that the proof says."""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from allowlist.catalog import load_library
from allowlist.catalog.model import Kind
from allowlist.filters.export import export
from allowlist.filters.lists import ANY_SERVICE, Service
from allowlist.filters.registry import FORMATS
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.requirement import Origin, Requirement
from allowlist.workload.requirements import expand_port

pytest.importorskip("dns", reason="needs the dependency group 'engines': make engines")

from tests.engines import started
from tests.engines.started import Ask, version_of
from tests.helpers.cli import allowlist

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not os.environ.get("ALLOWLIST_ENGINES"), reason="starts real engines: make engines"),
]

Start = Callable[[Mapping[str, str], Path], AbstractContextManager[Ask]]

ENGINES: dict[str, tuple[str, tuple[str, ...], Start]] = {
    "squid": ("squid", ("squid", "-v"), started.squid),
    "nginx": ("nginx", ("nginx", "-v"), started.nginx),
    "haproxy": ("haproxy", ("haproxy", "-v"), started.haproxy),
    "rpz on BIND": ("rpz", ("named", "-v"), started.bind),
    "rpz on Unbound": ("rpz", ("unbound", "-V"), started.unbound_rpz),
    "unbound": ("unbound", ("unbound", "-V"), started.unbound_zones),
    "dnsmasq": ("dnsmasq", ("dnsmasq", "-v"), started.dnsmasq),
    "envoy-sni": ("envoy-sni", ("envoy", "--version"), started.envoy_sni),
    "envoy-proxy": ("envoy-proxy", ("envoy", "--version"), started.envoy_proxy),
}


def requirements() -> Iterator[Requirement]:
    """Every name of every catalog in its newest version, with a word for each parameter."""
    for catalog in load_library():
        version = catalog.resolve("latest") if catalog.releases else "next"
        for entry in catalog.entries_at(version):
            if entry.kind is not Kind.PATTERN:
                continue
            pattern = re.sub(r"\{[^}]*\}", "x1", entry.value)
            for port in entry.ports:
                for protocol, ports in expand_port(port):
                    yield Requirement(
                        origin=Origin(catalog=catalog.name, version=version, entry=entry.id),
                        sources=EVERYWHERE,
                        protocol=protocol,
                        ports=ports,
                        pattern=pattern,
                    )


def neighbours(pattern: str) -> Iterator[str]:
    """A name of the pattern and those near it that a careless reading takes along."""
    base = pattern.removeprefix("*").removeprefix(".")
    yield from (base, f"x.{base}", f"a.b.{base}", f"x{base}", f"{base}.example.org", f"my-{base}")
    if base.count(".") > 1:
        yield base.partition(".")[2]


def random_requirements(seed: int) -> Iterator[Requirement]:
    """Names beside their parents, children and look-alikes: the shapes that engines read each in its own way."""
    chance = random.Random(seed)
    labels = (
        "a",
        "b",
        "api",
        "my-api",
        "xn--bcher-kva",
        "a-label-that-makes-the-name-longer-than-46-characters",
    )
    for number in range(150):
        host = ".".join(
            [*chance.choices(labels, k=chance.randint(1, 4)), chance.choice(("contoso.com", "fabrikam.org"))]
        )
        yield Requirement(
            origin=Origin(catalog="random", version=str(seed), entry=f"n{number}"),
            sources=EVERYWHERE,
            protocol="https",
            ports=(443, 443),
            pattern=chance.choice((host, f"*.{host}", f"*.{host}", host, f"*{host}")),
        )


LISTS: dict[str, Callable[[], Iterator[Requirement]]] = {
    "all catalogs": requirements,
    "a random list": lambda: random_requirements(22),
    "another random list": lambda: random_requirements(23),
    "a list of your own": lambda: random_requirements(int(os.environ.get("ALLOWLIST_SEED", "24"))),
}
"""The last one is another one for every ALLOWLIST_SEED."""


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("label", ENGINES)
def test_a_real_engine_lets_through_exactly_what_is_proved(label: str, which: str, tmp_path: Path) -> None:
    name, version, start = ENGINES[label]
    if shutil.which(version[0]) is None:
        pytest.skip(f"{version[0]} is not installed")
    engine, wanted = FORMATS[name], list(LISTS[which]())
    found = export(engine, wanted, which)
    assert found.wrong == ()
    read = engine.read(found.files)
    names = sorted(set(itertools.chain.from_iterable(neighbours(item.pattern) for item in wanted)))
    services = [service for service in read.allowed if service != ANY_SERVICE] or [ANY_SERVICE]
    print(f"{label}: {version_of(*version)}, {which}: {len(names)} names, {len(services)} services")
    assert not any(size.exceeded for size in found.sizes)
    with start(found.files, tmp_path) as ask:
        wrong = [
            (str(service), host, "let through" if got else "stopped")
            for service in services
            for passing in [read.allowed_at(service)]
            for host in names
            if len(host) < 254 and (got := ask(host, service)) != (host in passing)
        ]
    assert wrong == []


def test_the_demo_shows_the_list_in_a_real_squid() -> None:
    if shutil.which("squid") is None:
        pytest.skip("squid is not installed")
    result = allowlist("demo", "--with", "squid")
    assert result.code == 0, result.err
    assert "each as the proof says" in result.err


@pytest.mark.parametrize("service", [Service("https", 443, 443)])
def test_the_names_asked_for_are_not_all_on_one_side(service: Service) -> None:
    proved = FORMATS["squid"].read(export(FORMATS["squid"], requirements(), "all").files).allowed_at(service)
    names = {host for item in requirements() for host in neighbours(item.pattern)}
    inside = sum(host in proved for host in names)
    assert 500 < inside < len(names) - 500
