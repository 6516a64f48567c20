"""The same text means different sets on different engines; the dialect says which, and what each refuses.

:data:`VALIDITY` is the one table of what a text is worth as a destination, for what is to be written and for what stands
there already: check, plan and explain ask here.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from allowlist.names.pattern import LABEL, MAX_NAME_LENGTH, Pattern, is_host_name, normalise


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


class Form(StrEnum):
    """How a destination text looks, whatever engine reads it."""

    EMPTY = "empty"
    EXPRESSION = "expression"
    URL = "url"
    PORT = "port"
    BLANK = "blank"
    NOT_IDNA = "not-idna"
    INNER_WILDCARD = "inner-wildcard"
    WILDCARD = "wildcard"
    ENDS_WITH = "ends-with"
    TOO_LONG = "too-long"
    ODD = "odd"
    ADDRESS = "address"
    SINGLE_LABEL = "single-label"
    NAME = "name"


class Effect(StrEnum):
    """What a rule with the text does: what it says, nothing at all, or something that no page tells."""

    MATCHES = "matches"
    NOTHING = "nothing"
    UNDOCUMENTED = "undocumented"


class Validity(msgspec.Struct, frozen=True):
    """One row: texts of ``form`` on one of ``dialects``; ``because`` says with ``{text}`` why it is no destination."""

    form: Form
    dialects: frozenset[Dialect]
    effect: Effect
    because: str
    source: str


_EVERY: Final = frozenset(Dialect)
_LABELS: Final = frozenset({Dialect.MANAGED_NETWORK, Dialect.AGENT_EGRESS})
_DNS: Final = (
    "a host header and an SNI hold a DNS name (RFC 1123, RFC 6066), so no client ever sends such a text"
)

VALIDITY: Final = (
    Validity(Form.EMPTY, _EVERY, Effect.NOTHING, "the name is empty", _DNS),
    Validity(
        Form.EXPRESSION,
        _EVERY,
        Effect.UNDOCUMENTED,
        "'{text}' is an expression that was not worked out",
        "template functions are worked out by Resource Manager, before the service sees them",
    ),
    Validity(Form.URL, _EVERY, Effect.NOTHING, "'{text}' is a URL; write the host name only", _DNS),
    Validity(
        Form.PORT, _EVERY, Effect.NOTHING, "'{text}' names a port; write the port in its own field", _DNS
    ),
    Validity(Form.BLANK, _EVERY, Effect.NOTHING, "'{text}' contains a blank or an invisible character", _DNS),
    Validity(
        Form.NOT_IDNA, _EVERY, Effect.NOTHING, "'{text}' cannot be written in punycode (IDNA)", "RFC 5891"
    ),
    Validity(
        Form.INNER_WILDCARD,
        _EVERY,
        Effect.UNDOCUMENTED,
        "'{text}' has an asterisk that is not the first character; only one leading '*' is understood",
        "Azure Firewall FAQ, on wildcards in application rules; azure-docs issues 57934 and 69563",
    ),
    *(
        Validity(
            form,
            frozenset({Dialect.NETWORK_RULE}),
            Effect.NOTHING,
            "'{text}': network rules take no wildcards; use an application rule",
            "FQDN filtering in network rules page: names are resolved, and a wildcard has no address",
        )
        for form in (Form.WILDCARD, Form.ENDS_WITH)
    ),
    *(
        Validity(
            form,
            frozenset({Dialect.ACCOUNT_ALLOW_LIST}),
            Effect.UNDOCUMENTED,
            "'{text}': wildcards in an account's allow list are not documented; name every host",
            "data loss prevention article of Azure AI services",
        )
        for form in (Form.WILDCARD, Form.ENDS_WITH)
    ),
    Validity(
        Form.ENDS_WITH,
        _LABELS,
        Effect.UNDOCUMENTED,
        "'{text}': {dialect} rules are documented for '*.' before a name only",
        "managed network articles; egress policies of hosted agents",
    ),
    Validity(
        Form.TOO_LONG, _EVERY, Effect.NOTHING, "'{short}…' is longer than {longest} characters", "RFC 1035"
    ),
    Validity(
        Form.ODD,
        _EVERY,
        Effect.NOTHING,
        "'{text}' is not a host name: labels are 1 to 63 letters, digits, '-' or '_'",
        _DNS,
    ),
    Validity(
        Form.ADDRESS,
        _EVERY,
        Effect.NOTHING,
        "'{text}' is an address; addresses belong in a network rule",
        "rule processing page: application rules are matched by name",
    ),
    Validity(
        Form.SINGLE_LABEL,
        _EVERY,
        Effect.NOTHING,
        "'{text}' has no dot, so it is no fully qualified name",
        "FQDN filtering pages: destinations are fully qualified domain names",
    ),
)

_NAME_DIALECTS, _WILD_DIALECTS = (
    frozenset(Dialect) - {dialect for row in VALIDITY if row.form is form for dialect in row.dialects}
    for form in (Form.NAME, Form.WILDCARD)
)
_ROWS: Final = {(row.form, dialect): row for row in VALIDITY for dialect in row.dialects}


@lru_cache(maxsize=1 << 16)
def parse_pattern(text: str, dialect: Dialect = Dialect.APPLICATION_RULE) -> Pattern:
    """Read ``text`` as ``dialect`` does. Raises InvalidPattern with the reason.

    >>> parse_pattern("*Contoso.com")
    Pattern(text='*contoso.com')
    >>> parse_pattern("*contoso.com", Dialect.NETWORK_RULE)
    Traceback (most recent call last):
    allowlist.names.dialect.InvalidPattern: '*contoso.com': network rules take no wildcards; use an application rule
    """
    row = validity_of(text, dialect)
    if row is not None:
        raise InvalidPattern(
            row.because.format(text=text, dialect=dialect, short=text[:40], longest=MAX_NAME_LENGTH)
        )
    return Pattern(normalise(text))


_SURELY_VISIBLE = re.compile(r"[!-~]+").fullmatch


@lru_cache(maxsize=1 << 16)
def validity_of(text: str, dialect: Dialect) -> Validity | None:
    """Why ``text`` is no destination of ``dialect``; None where it is one.

    >>> validity_of("*.contoso.com", Dialect.NETWORK_RULE).effect
    <Effect.NOTHING: 'nothing'>
    >>> validity_of("*-admin.contoso.com", Dialect.APPLICATION_RULE)
    """
    return _ROWS.get((form_of(text), dialect))


def form_of(text: str) -> Form:
    """
    >>> [form_of(item).value for item in ("*.a.com", "*-x.a.com", "a.*.com", "https://a.com", "intranet")]
    ['wildcard', 'ends-with', 'inner-wildcard', 'url', 'single-label']
    """
    if is_plain(text):
        return Form.WILDCARD if text[0] == "*" else Form.NAME
    if not text.strip():
        return Form.EMPTY
    if text[0] in "[{":
        return Form.EXPRESSION
    if "://" in text or "/" in text:
        return Form.URL
    if ":" in text:
        return Form.PORT
    if not _SURELY_VISIBLE(text) and any(
        character.isspace() or unicodedata.category(character) == "Cf" for character in text.strip()
    ):
        return Form.BLANK
    try:
        return _form_of_name(normalise(text))
    except UnicodeError:
        return Form.NOT_IDNA


_LABEL = LABEL.replace(
    "{1,63}", "{1,63}+"
)  # a label never ends before its last character: nothing is tried twice
_PLAIN_NAME = rf"{_LABEL}(?:\.{_LABEL})++(?<![0-9])"
_PLAIN = re.compile(rf"(?:\*\.)?{_PLAIN_NAME}").fullmatch
_PLAIN_LIST = re.compile(rf"(?:(?:\*\.)?{_PLAIN_NAME}\n)+").fullmatch


def is_plain(text: str) -> bool:
    """Is it a name, or ``*.`` before one, as normalised as can be, and surely no address? Most texts are."""
    return len(text) <= MAX_NAME_LENGTH and _PLAIN(text) is not None


def are_plainly_valid(texts: Sequence[str], dialect: Dialect) -> bool:
    """Is each of ``texts`` what :func:`is_plainly_valid` says? All at once; False also where they were not looked at."""
    joined = "\n".join(texts) + "\n"
    is_known = dialect in _NAME_DIALECTS and (dialect in _WILD_DIALECTS or "*" not in joined)
    is_short = len(joined) <= MAX_NAME_LENGTH or max(map(len, texts)) <= MAX_NAME_LENGTH
    is_told_apart = joined.count("\n") == len(texts)
    return is_known and is_short and is_told_apart and _PLAIN_LIST(joined) is not None


def is_plainly_valid(text: str, dialect: Dialect) -> bool:
    """Is it plain, and a destination of ``dialect``? Then it is normalised too; what is not may still be one."""
    return dialect in (_WILD_DIALECTS if text[:1] == "*" else _NAME_DIALECTS) and is_plain(text)


def _form_of_name(text: str) -> Form:
    wild = text.startswith("*")
    body = text[1:] if wild else text
    if "*" in body:
        return Form.INNER_WILDCARD
    name = body.removeprefix(".") if wild else body
    if len(name) > MAX_NAME_LENGTH:
        return Form.TOO_LONG
    # Behind an asterisk any tail of a name may stand: ``*-admin.contoso.com`` is a set of hosts.
    if name and not is_host_name(name) and not (wild and is_host_name(f"x{name}")):
        return Form.ODD
    if name and _is_address(name):
        return Form.ADDRESS
    if wild:
        return Form.WILDCARD if body.startswith(".") else Form.ENDS_WITH
    return Form.NAME if "." in name else Form.SINGLE_LABEL


def _is_address(text: str) -> bool:
    if not text[-1].isdigit():
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
