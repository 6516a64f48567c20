"""Where the parts of a network security perimeter stand."""

from __future__ import annotations

from allowlist.azure.facts import api_version

PERIMETERS = "Microsoft.Network/networkSecurityPerimeters"
PROFILES = f"{PERIMETERS}/profiles"
API_VERSION = api_version(PERIMETERS)


def perimeter_of(profile: str) -> str:
    """The id of the perimeter that the profile with id ``profile`` belongs to."""
    head, _, name = profile.rpartition("/profiles/")
    return head or name
