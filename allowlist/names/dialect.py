"""The same text means different sets on different engines; the dialect says which, and what each refuses."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from allowlist.names.pattern import MAX_NAME_LENGTH, Pattern, is_host_name, normalise


class InvalidPattern(ValueError):
    """The text is no pattern of this dialect; the message says why and what to write instead."""


class Dialect(StrEnum):
    """An enforcement engine's reading of a pattern.

    ``APPLICATION_RULE``: Azure Firewall application rules; one asterisk, first character, ends-with match
    (Azure Firewall FAQ; azure-docs issues 57934 and 69563).
    ``NETWORK_RULE``: Azure Firewall network rules; no wildcard at all (FQDN filtering in network rules).
    ``MANAGED_NETWORK``: Foundry and Machine Learning managed networks; ``*.`` and a name, and that the wildcard
    leaves out the apex is inferred (the pages list ``x`` beside ``*.x`` throughout).
    ``ACCOUNT_ALLOW_LIST``: ``allowedFqdnList`` of an AI services account; plain names, wildcards undocumented.
    ``AGENT_EGRESS``: the egress policy of hosted agents; ``*.`` and a name.
    """

    APPLICATION_RULE = "application-rule"
    NETWORK_RULE = "network-rule"
    MANAGED_NETWORK = "managed-network"
    ACCOUNT_ALLOW_LIST = "account-allow-list"
    AGENT_EGRESS = "agent-egress"


_NO_WILDCARD = {
    Dialect.NETWORK_RULE: "network rules take no wildcards; use an application rule",
    Dialect.ACCOUNT_ALLOW_LIST: "wildcards in an account's allow list are not documented; name every host",
}
_WHOLE_LABELS = (Dialect.MANAGED_NETWORK, Dialect.AGENT_EGRESS)


@lru_cache(maxsize=1 << 16)
def parse_pattern(text: str, dialect: Dialect = Dialect.APPLICATION_RULE) -> Pattern:
    """Read ``text`` as ``dialect`` does. Raises InvalidPattern with the reason.

    >>> parse_pattern("*Contoso.com")
    Pattern(text='*contoso.com')
    >>> parse_pattern("*contoso.com", Dialect.NETWORK_RULE)
    Traceback (most recent call last):
    allowlist.names.dialect.InvalidPattern: '*contoso.com': network rules take no wildcards; use an application rule
    """
    written = text
    _refuse_odd_text(text)
    try:
        text = normalise(text)
    except UnicodeError:
        raise InvalidPattern(f"'{written}' cannot be written in punycode (IDNA)") from None
    body = text[1:] if text.startswith("*") else text
    if "*" in body:
        raise InvalidPattern(
            f"'{written}' has an asterisk that is not the first character; only one leading '*' is understood"
        )
    if body != text:
        _check_wildcard(written, body, dialect)
    _check_body(written, body.removeprefix(".") if body != text else body)
    return Pattern(text)


_SURELY_VISIBLE = re.compile(r"[!-~]+").fullmatch


def _refuse_odd_text(text: str) -> None:
    if not text.strip():
        raise InvalidPattern("the name is empty")
    if "://" in text or "/" in text:
        raise InvalidPattern(f"'{text}' is a URL; write the host name only")
    if ":" in text:
        raise InvalidPattern(f"'{text}' names a port; write the port in its own field")
    if not _SURELY_VISIBLE(text) and any(
        character.isspace() or unicodedata.category(character) == "Cf" for character in text.strip()
    ):
        raise InvalidPattern(f"'{text}' contains a blank or an invisible character")


def _check_wildcard(written: str, body: str, dialect: Dialect) -> None:
    if dialect in _NO_WILDCARD:
        raise InvalidPattern(f"'{written}': {_NO_WILDCARD[dialect]}")
    if dialect in _WHOLE_LABELS and not body.startswith("."):
        raise InvalidPattern(f"'{written}': {dialect} rules are documented for '*.' before a name only")


def _check_body(written: str, body: str) -> None:
    if not body:
        return
    if len(body) > MAX_NAME_LENGTH:
        raise InvalidPattern(f"'{written[:40]}…' is longer than {MAX_NAME_LENGTH} characters")
    if not is_host_name(body):
        raise InvalidPattern(
            f"'{written}' is not a host name: labels are 1 to 63 letters, digits, '-' or '_'"
        )
    if _is_address(body):
        raise InvalidPattern(f"'{written}' is an address; addresses belong in a network rule")


def _is_address(text: str) -> bool:
    if not text[-1].isdigit():
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
