"""How carefully a finding has to be looked at before it becomes a rule."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

from allowlist.catalog.lint.spelling import is_slip
from allowlist.catalog.model import Catalog, Kind
from allowlist.catalog.upstream.drift import Change, Delta
from allowlist.catalog.upstream.tag_names import invalid_tag_note
from allowlist.names import (
    Dialect,
    InvalidPattern,
    is_wider_than_registrable,
    parse_pattern,
    registrable_domain,
    shared_suffix_of,
)


class Risk(StrEnum):
    """``LOW``: one more name of a domain that is already trusted. ``HIGH``: may open the way to strangers.
    ``MISTAKE``: probably a slip on the page itself, such as ``cnd.auth0.com``; never written by itself."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    MISTAKE = "mistake"


def risk_of(delta: Delta, known_hosts: Collection[str], *, is_required: bool) -> tuple[Risk, str]:
    """The class of ``delta`` and why. ``known_hosts`` are the host names the catalogs already hold."""
    if delta.change is Change.ENDED:
        return (
            (Risk.HIGH, "if the page is wrong, a required destination would be blocked")
            if is_required
            else (Risk.MEDIUM, "if the page is wrong, a feature would be blocked")
        )
    if delta.change in (Change.NEED, Change.SCENARIO):
        return Risk.MEDIUM, "the page asks for it in other words; whom it concerns is for a person to say"
    if delta.change is Change.PORTS:
        return Risk.MEDIUM, "other ports of a known destination"
    if delta.place.subject.kind == "fqdn":
        return _risk_of_host(delta.place.subject.value, known_hosts)
    if delta.place.subject.kind == "service_tag":
        return _risk_of_tag(delta)
    return Risk.MEDIUM, "no host of its own"


def _risk_of_tag(delta: Delta) -> tuple[Risk, str]:
    written = delta.rows[0].value if delta.rows else delta.place.subject.value
    note = invalid_tag_note(written)
    return (Risk.MISTAKE, note) if note else (Risk.MEDIUM, "a tag opens every address of its service")


def _risk_of_host(value: str, known_hosts: Collection[str]) -> tuple[Risk, str]:
    text = value.replace("{}", "x")
    try:
        pattern = parse_pattern(text, Dialect.APPLICATION_RULE)
    except InvalidPattern as error:
        return Risk.MISTAKE, f"is no pattern a firewall takes: {error}"
    if is_wider_than_registrable(pattern):
        return Risk.HIGH, "opens a whole top-level domain"
    shared = shared_suffix_of(pattern)
    if shared:
        return Risk.HIGH, f"opens {shared.service} of everybody; the tighter way is {shared.alternative}"
    near = _misspelt(text, known_hosts)
    if near:
        return Risk.MISTAKE, f"is one slip of the keyboard away from {near}"
    domain = registrable_domain(pattern.suffix.lstrip(".")) or ""
    if domain not in _domains(frozenset(known_hosts)):
        return Risk.HIGH, f"{domain or value} is a domain no catalog names yet"
    if pattern.is_wildcard:
        return Risk.MEDIUM, f"a wildcard below {domain}, which is already trusted"
    return Risk.LOW, f"one more name of {domain}, which is already trusted"


def _misspelt(host: str, known_hosts: Collection[str]) -> str:
    """A known host that differs in one label by a slip, such as ``cnd`` for ``cdn``."""
    labels = host.split(".")
    for known in known_hosts:
        others = known.split(".")
        differing = [(a, b) for a, b in zip(labels, others, strict=False) if a != b]
        if len(labels) == len(others) and len(differing) == 1 and is_slip(*differing[0]):
            return known
    return ""


@lru_cache(maxsize=4)
def _domains(hosts: frozenset[str]) -> frozenset[str]:
    found = (registrable_domain(host.removeprefix("*").lstrip(".").replace("{}", "x")) for host in hosts)
    return frozenset(domain for domain in found if domain)


def hosts_of(catalogs: Collection[Catalog]) -> frozenset[str]:
    """Every pattern of the catalogs' newest entries, placeholders as ``{}``."""
    from allowlist.catalog.upstream.claims import canonical

    return frozenset(
        canonical(entry.value, "fqdn")
        for catalog in catalogs
        for entry in catalog.entries_at("next")
        if entry.kind is Kind.PATTERN
    )
