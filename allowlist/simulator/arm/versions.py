"""Rules for ``api-version``: required everywhere, any date ARM could have published is taken."""

from __future__ import annotations

import re

from allowlist.simulator.arm.refusals import GATEWAY, front_door

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z.0-9]+)?$", re.IGNORECASE)


def required_version(parameters: dict[str, str]) -> str:
    """The api-version of a request, old and preview ones included. Refuses as ARM's gateway does."""
    version = parameters.get("api-version", "")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise front_door(400, "MissingApiVersionParameter", message, headers=GATEWAY)
    if not _VERSION.match(version):
        message = f"The api-version '{version}' is invalid."
        raise front_door(400, "InvalidApiVersionParameter", message, headers=GATEWAY)
    return version
