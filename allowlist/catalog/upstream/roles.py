"""What a column of a table, or a labelled list item, holds: told by its title."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a column, or a labelled list item, holds."""

    HOST = "host"
    TAG = "tag"
    SOURCE = "source"
    PAIR = "pair"
    ADDRESS = "address"
    ZONE = "zone"
    FORWARDER = "forwarder"
    PORT = "port"
    PROTOCOL = "protocol"
    DIRECTION = "direction"
    TEXT = "text"
    IGNORED = "ignored"


DESTINATIONS: Final = (Role.HOST, Role.TAG, Role.SOURCE, Role.PAIR, Role.ADDRESS, Role.ZONE, Role.FORWARDER)

_ROLES: Final = (
    (r"forwarder", Role.FORWARDER),
    (r"dns zone", Role.ZONE),
    (r"example|description|purpose|comment|notes?\b|\btype\b|resource", Role.TEXT),
    (r"source.*/.*destination.*\btags?\b|\btags?\b.*source.*/.*destination", Role.PAIR),
    (r"source.*\btags?\b", Role.SOURCE),
    (r"source.*ports?\b", Role.IGNORED),
    (r"^source\b", Role.SOURCE),
    (r"\btags?\b", Role.TAG),
    (r"(?:endpoint|host|url|uri|fqdn|domain).*\bports?\b", Role.HOST),
    (r"\bports?\b", Role.PORT),
    (r"\bprotocol", Role.PROTOCOL),
    (
        r"^(?:inbound|outbound|direction)(?:\W+(?:or|and)?\W*(?:inbound|outbound))?$|^direction",
        Role.DIRECTION,
    ),
    (r"^ips?$|\bip\b|\bcidrs?\b|address range", Role.ADDRESS),
    (r"\b(?:host|fqdn|url|uri|endpoint|domain|destination|address|site)|hostname|dns name", Role.HOST),
)


def role_of(title: str) -> Role:
    """What a column with this title holds."""
    words = " ".join(title.lower().replace("<b>", " ").split())
    return next((role for pattern, role in _ROLES if re.search(pattern, words)), Role.TEXT)
