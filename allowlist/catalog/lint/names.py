"""Rules about what a name lets through: too wide, shared with strangers, or a slip of the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.catalog.lint.context import Complaint, LintContext
from allowlist.catalog.lint.spelling import is_disguised, is_slip
from allowlist.catalog.model import Consumer, Entry, EvidenceClass
from allowlist.names import (
    Dialect,
    InvalidPattern,
    is_wider_than_registrable,
    lookalike_witness,
    parse_pattern,
    registrable_domain,
    shared_suffix_of,
)

_DIALECTS = {
    Consumer.MANAGED_NETWORK: Dialect.MANAGED_NETWORK,
    Consumer.ACCOUNT_LIST: Dialect.ACCOUNT_ALLOW_LIST,
    Consumer.AGENT: Dialect.AGENT_EGRESS,
}

COMMON_LABELS = frozenset(
    {"api", "assets", "auth", "cdn", "crl", "download", "login", "ocsp", "static", "www"}
)
"""First labels so common that one slip away from them is more likely a mistake than a name."""

KNOWN_OWNERS = frozenset(
    {
        "anaconda.com",
        "anaconda.org",
        "auth0.com",
        "azure.com",
        "azureedge.net",
        "azurefd.net",
        "azureml.ms",
        "digicert.com",
        "docker.com",
        "docker.io",
        "github.com",
        "githubusercontent.com",
        "huggingface.co",
        "live.com",
        "microsoft.com",
        "microsoftonline.com",
        "msauth.net",
        "nvidia.com",
        "pytorch.org",
        "tensorflow.org",
        "ubuntu.com",
        "visualstudio.com",
        "vscode.dev",
        "windows.net",
        "windowsupdate.com",
    }
)


def wildcard_too_wide(context: LintContext) -> Iterator[Complaint]:
    """A wildcard above a registrable domain opens a whole top-level domain to anybody."""
    for index, entry, pattern in context.live_patterns:
        if is_wider_than_registrable(pattern) and not entry.value.startswith(("{", "*.{")):
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' stands above every registrable domain, so anybody can get a name in it",
                remedy="name at least the registered domain, such as '*.contoso.com'",
            )


def lookalike_wildcard(context: LintContext) -> Iterator[Complaint]:
    """An asterisk without a dot also matches names that merely end alike."""
    for index, entry, pattern in context.live_patterns:
        witness = lookalike_witness(pattern)
        if witness and not is_wider_than_registrable(pattern):
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' also lets '{witness}' through, which a stranger can register",
                remedy=f"write '*.{pattern.suffix}', and the bare name beside it if that is needed too",
            )


def shared_suffix(context: LintContext) -> Iterator[Complaint]:
    """A wildcard over a suffix that every customer of a service shares lets data out to strangers."""
    for index, entry, pattern in context.live_patterns:
        shared = shared_suffix_of(pattern)
        unwanted = entry.refuse or entry.dead_since
        if shared and not unwanted and not entry.risk and not is_wider_than_registrable(pattern):
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' reaches every customer of {shared.service}: {shared.risk}",
                remedy=f"use {shared.alternative}; if only the wildcard works, say so under 'risk:'",
            )


def misspelt_owner(context: LintContext) -> Iterator[Complaint]:
    """A domain one slip away from a well-known owner's is how look-alikes are bought."""
    for index, entry, pattern in context.live_patterns:
        owner = registrable_domain(pattern.suffix.removeprefix(".")) if "{" not in entry.value else None
        if owner is None or owner in KNOWN_OWNERS:
            continue
        near = next((known for known in sorted(KNOWN_OWNERS) if _is_misspelt(owner, known)), None)
        if near and not entry.contradiction:
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{owner}' looks like '{near}' and is not",
                remedy=f"write '{near}', or say under 'contradiction:' why '{owner}' is right",
            )


def _is_misspelt(owner: str, known: str) -> bool:
    """Only the name counts: the same name under another top-level domain is usually the same owner."""
    name, _, suffix = owner.partition(".")
    known_name, _, known_suffix = known.partition(".")
    return suffix == known_suffix and (is_slip(name, known_name) or is_disguised(name, known_name))


def misspelt_host(context: LintContext) -> Iterator[Complaint]:
    """A host one slip away from one that is already known is more often a typing mistake than a new host."""
    for index, entry, pattern in context.live_patterns:
        name = pattern.suffix.removeprefix(".")
        if entry.contradiction or "{" in entry.value or name in context.vouched_hosts or _was_seen(entry):
            continue
        meant = _probably_meant(name, context.known_hosts)
        if meant:
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{name}' is one slip away from '{meant}'",
                remedy=f"write '{meant}', or say under 'contradiction:' which page really has '{name}'",
            )


def _was_seen(entry: Entry) -> bool:
    """A name that a program asked for, or that a log shows, was not typed by anybody."""
    seen = (EvidenceClass.OBSERVED, EvidenceClass.DENIED_IN_LOG, EvidenceClass.VALIDATED_ALONE)
    return any(item.kind in seen for item in entry.evidence)


def _probably_meant(name: str, known: frozenset[str]) -> str | None:
    label, _, rest = name.partition(".")
    if label in COMMON_LABELS or not rest:
        return None
    common = next((common for common in sorted(COMMON_LABELS) if is_slip(label, common)), None)
    if common:
        return f"{common}.{rest}"
    siblings = (host for host in sorted(known) if host.partition(".")[2] == rest)
    return next((host for host in siblings if is_slip(label, host.partition(".")[0])), None)


def wrong_dialect(context: LintContext) -> Iterator[Complaint]:
    """A form the consumer's engine does not understand would be refused, or match nothing, when applied."""
    for index, entry, pattern in context.live_patterns:
        for consumer in entry.consumers:
            reason = _refusal(pattern.text, _DIALECTS.get(consumer))
            if reason:
                yield Complaint(
                    path=("entries", index, "pattern"),
                    message=f"is asked for by {consumer}, but {reason}",
                    remedy="write a form every consumer understands, or split the entry by consumer",
                )


def _refusal(text: str, dialect: Dialect | None) -> str:
    if dialect is None:
        return ""
    try:
        parse_pattern(text, dialect)
    except InvalidPattern as error:
        return str(error)
    return ""
