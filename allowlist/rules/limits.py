"""Published limits of Azure Firewall, as data with their source, and the size meter of rule collection groups."""

from __future__ import annotations

import re
from typing import Final

MEGABYTE: Final = 1_048_576

GROUP_SIZE_BYTES: Final = 2 * MEGABYTE
"""Azure Firewall limits page, 2023-10-10: 2 MB for policies created since July 2022, 1 MB before."""

GROUP_OVERHEAD_BYTES: Final = 1690
"""``size`` is the compact JSON of ``ruleCollections`` as read back plus 1,320 to 1,690 bytes (recordings)."""

GROUPS_PER_POLICY: Final = 60
"""The pages disagree (50, 60, 90, 100); 60 is the limits page of 2023-10-10. A target option overrides it."""

NETWORK_COMBINATIONS: Final = 20_000
"""Unique source and destination combinations over all network rules (limits page)."""

NETWORK_FQDNS: Final = 1_000
"""Names in network rules advised per firewall (FQDN filtering in network rules)."""

IP_GROUP_ENTRIES: Final = 5_000
IP_GROUPS_PER_FIREWALL: Final = 200
"""IP groups page."""

DNS_SERVERS: Final = 15
"""Custom DNS servers of a policy (DNS details page)."""

PRIORITIES: Final = (100, 65_000)
"""Groups and collections (API description; policy rule sets page)."""

COLLECTION_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")
"""Rule processing page: letters, digits, ``_ . -``; at most 80; ends in a letter, digit or ``_``."""

GROUP_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}(?<![.-])")
"""API description of the draft path; what Terraform's provider checks."""
