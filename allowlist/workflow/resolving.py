"""DNS answers that settle assumptions: asked for once, from where one is, and kept as a facts file with their time.

What a name resolves to depends on where it is asked and when; so nothing is asked unless somebody says so, and what was
answered is data from then on, with its date.
"""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.writing import write_bytes
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from allowlist.names import Pattern
from allowlist.workflow.facts import SCHEMA, FactsFile, facts_of, read_facts_file
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

Ask = Callable[[str], list[str]]
"""The IPv4 addresses of a name. Raises OSError where there is no answer."""

MOST_NAMES = 2_000
AT_ONCE = 16
SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The facts file as it was written, and the names nobody answered for."""

    file: FactsFile
    unanswered: tuple[str, ...]


def record_answers(
    path: Path, names: Iterable[str], ask: Ask, *, resolver: str, when: dt.datetime, given: FactsFile | None
) -> Recorded:
    """Ask for each of ``names`` once and write the answers to ``path``, together with the facts that were ``given``.

    A name without an answer is left out: elsewhere it may have one. Raises AllowlistError for too many names.
    """
    wanted = sorted(set(names))
    if len(wanted) > MOST_NAMES:
        raise AllowlistError(
            f"{len(wanted)} names would be asked for, more than {MOST_NAMES}", hint="use --only"
        )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(wanted, pool.map(lambda name: _answer(ask, name), wanted), strict=True))
    known = {name: found for name, found in answers.items() if found}
    base = given or FactsFile(schema=SCHEMA)
    file = msgspec.structs.replace(
        base, dns={**base.dns, **known}, recorded=when.isoformat(timespec="seconds"), resolver=resolver
    )
    write_bytes(path, msgspec.yaml.encode(_plain(file)))
    return Recorded(file=file, unanswered=tuple(name for name, found in answers.items() if not found))


def _plain(file: FactsFile) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(file)
    return {key: value for key, value in found.items() if value}


def _answer(ask: Ask, name: str) -> list[str]:
    try:
        return sorted(set(ask(name)))
    except (OSError, UnicodeError):
        return []


def names_to_ask(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> list[str]:
    """Every single host that a requirement or a network rule names: wildcards have no address."""
    found: list[str] = []
    for spec in specs:
        found += [item.pattern for item in project.requirements(spec, estate).wanted if item.pattern]
        found += [name for rule in project.point(spec).ruleset(estate).network for name in rule.fqdns]
    return [name for name in dict.fromkeys(found) if not Pattern(name).is_wildcard]


def asking_the_system(name: str) -> list[str]:
    """As every program on this machine would be answered, ``hosts`` file included."""
    return [str(item[4][0]) for item in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)]


def asking_server(server: str) -> Ask:
    """Ask one DNS server, written ``ADDRESS`` or ``ADDRESS:PORT``. Raises AllowlistError without dnspython."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        raise AllowlistError(
            "--dns-server takes dnspython",
            hint="pip install 'allowlist[dns]', or leave it out to ask the system",
        ) from None
    address, _, port = server.partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    try:
        resolver.nameservers = [address]
        resolver.port = int(port or 53)
    except ValueError as error:
        raise AllowlistError(
            f"'{server}' is no DNS server: {error}", hint="ADDRESS or ADDRESS:PORT"
        ) from None
    resolver.lifetime = SECONDS

    def ask(name: str) -> list[str]:
        try:
            return [str(item) for item in resolver.resolve(f"{name}.", "A")]
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from None

    return ask


def with_answers(
    project: Project,
    estate: Estate,
    specs: Sequence[TargetSpec],
    path: Path,
    *,
    server: str,
    facts_path: Path | None,
    also: Sequence[str] = (),
) -> tuple[Project, Recorded]:
    """``project`` with the DNS answers for what it asks about, and what was written to ``path``."""
    recorded = record_answers(
        path,
        [*names_to_ask(project, estate, specs), *also],
        asking_server(server) if server else asking_the_system,
        resolver=server or "this machine",
        when=project.now,
        given=read_facts_file(facts_path) if facts_path else None,
    )
    return replace(project, facts=facts_of(recorded.file)), recorded
