"""FQDN patterns as sets of names.

A pattern is an exact name or one leading asterisk before a literal suffix, and a name is in it when it ends
with that suffix. Two patterns are therefore either nested or disjoint, which keeps the whole algebra exact.
"""

from allowlist.names.dialect import (
    VALIDITY,
    Dialect,
    Effect,
    Form,
    InvalidPattern,
    Validity,
    are_plainly_valid,
    is_plainly_valid,
    parse_pattern,
    validity_of,
)
from allowlist.names.nameset import NameSet, minimal_cover, witness_outside
from allowlist.names.pattern import Pattern, ancestors, covers, is_host_name, normalise, overlaps
from allowlist.names.suffix_index import SuffixIndex
from allowlist.names.suffixes import (
    SharedSuffix,
    is_lookalike,
    is_wider_than_registrable,
    lookalike_witness,
    registrable_domain,
    shared_suffix_of,
)

__all__ = [
    "VALIDITY",
    "Dialect",
    "Effect",
    "Form",
    "InvalidPattern",
    "NameSet",
    "Pattern",
    "SharedSuffix",
    "SuffixIndex",
    "Validity",
    "ancestors",
    "are_plainly_valid",
    "covers",
    "is_host_name",
    "is_lookalike",
    "is_plainly_valid",
    "is_wider_than_registrable",
    "lookalike_witness",
    "minimal_cover",
    "normalise",
    "overlaps",
    "parse_pattern",
    "registrable_domain",
    "shared_suffix_of",
    "validity_of",
    "witness_outside",
]
