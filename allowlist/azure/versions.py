"""Which api-version each resource type is read and written with: one for both, as long as a connection is open.

An answer leaves out what is newer than the version asked for, and a PUT without it takes it away: a rule narrowed to
some pods (``sourceKubeSelectorGroups``, 2025-09-01) would lose that condition. So a type is read with the newest
version whose fields are known, and never written with another one. A cloud may not have it yet: US Government refused
2024-05-01 in April 2025 with ``NoRegisteredProviderFound``, whose text lists the versions there are.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from allowlist.azure.facts import api_version_row
from allowlist.errors import AllowlistError, TargetError

_SDK_NAMESPACE = "microsoft.network"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_REFUSED = ("noregisteredproviderfound", "invalidresourcetype", "invalidapiversionparameter")
_LISTED = re.compile(r"(?:api-versions|supported versions) are '([^']*)'", re.IGNORECASE)


class Versions:
    """``chosen`` are the versions people ask for by type, lower case; ``notify`` hears what is taken instead."""

    def __init__(self, chosen: Mapping[str, str], notify: Callable[[str], None]) -> None:
        self._chosen = {name.lower(): version for name, version in chosen.items()}
        self._notify = notify
        self._lock = threading.Lock()
        self._learned: dict[str, str] = {}

    def of(self, path: str, asked: str) -> str:
        """The version for ``path``; ``asked`` is the least that is needed, for types of which no more is known."""
        kind = type_of(path)
        return self._fixed(kind) or newest(kind, asked)

    def refuse_older(self, path: str, asked: str, what: str) -> None:
        """Raises AllowlistError for a write with a version that people chose below the fields that are known."""
        kind = type_of(path)
        given, known = self._given(kind), newest(kind, asked)
        if given and kind not in self._learned and _order(given) < _order(known):
            raise AllowlistError(
                f"{what} is not sent: api-version {given} leaves out what came until {known}, and the write would take "
                "it away",
                hint="leave --api-version out; where the cloud does not have the newer version, that is found out",
            )

    def learn(self, path: str, error: TargetError) -> bool:
        """Take the newest of the versions that a refusal lists and that are known; False for other refusals.

        Raises TargetError where none of them is known, or where the version was chosen by people.
        """
        kind = type_of(path)
        listed = listed_versions(error)
        if listed and self._given(kind):
            raise TargetError(
                str(error),
                hint=f"leave --api-version out, or give one that is there: --api-version {kind}={listed[-1]}",
                status=error.status,
                code=error.code,
            )
        if not listed or not kind or self._fixed(kind):
            return False
        fitting = [version for version in listed if is_known(kind, version)]
        if not fitting:
            raise TargetError(
                f"{error}; none of these is a version whose fields allowlist knows",
                hint=f"--api-version {kind}=VERSION reads with another one",
                status=error.status,
                code=error.code,
            )
        with self._lock:
            self._learned[kind] = max(fitting, key=_order)
        self._notify(
            f"{kind} is read with api-version {self._learned[kind]}, the newest known one that Azure has here"
        )
        return True

    def _fixed(self, kind: str) -> str:
        return self._given(kind) or self._learned.get(kind, "")

    def _given(self, kind: str) -> str:
        while kind:
            if kind in self._chosen:
                return self._chosen[kind]
            kind = kind.rpartition("/")[0]
        return ""


def parse_choice(text: str) -> tuple[str, str]:
    """``TYPE=VERSION``. Raises AllowlistError."""
    kind, mark, version = text.partition("=")
    if not mark or not kind or not _VERSION.fullmatch(version) or not _is_day(version[:10]):
        raise AllowlistError(
            f"--api-version {text} is not of the form KIND=VERSION",
            hint="for example --api-version firewall-policy=2025-09-01",
        )
    return kind, version


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def type_of(path: str) -> str:
    """``microsoft.network/firewallpolicies`` of a resource, list or action; empty where no provider is named."""
    tail = urlsplit(path).path.lower().rpartition("/providers/")[2]
    if tail == urlsplit(path).path.lower():
        return ""
    namespace, *rest = tail.strip("/").split("/")
    return "/".join((namespace, *rest[::2]))


def newest(kind: str, asked: str) -> str:
    """The newest version whose fields are known: of our table, for the SDK's own types also of the SDK installed."""
    row = api_version_row(kind)
    if row is None:
        return asked
    known = [asked, row.version]
    if row.type.lower() == _SDK_NAMESPACE:
        known.append(sdk_version())
    return max(known, key=_order)


def is_known(kind: str, version: str) -> bool:
    """A stable version between the oldest and the newest known one has only fields that are known."""
    row = api_version_row(kind)
    if row is None:
        return False
    is_between = _order(row.oldest or row.version) <= _order(version) <= _order(newest(kind, row.version))
    return is_between and ("-preview" not in version or "-preview" in row.version)


@lru_cache(maxsize=1)
def sdk_version() -> str:
    """What the installed azure-mgmt-network reads and writes firewall policies with; empty where it does not say."""
    from azure.mgmt.network.operations import _operations

    try:
        request = _operations.build_firewall_policies_get_request(
            resource_group_name="g", firewall_policy_name="p", subscription_id="s"
        )
    except (AttributeError, TypeError):
        return ""
    found = _VERSION.search(str(request.url).partition("api-version=")[2])
    return found[0] if found else ""


def listed_versions(error: TargetError) -> list[str]:
    """The versions that Azure says it has, out of a refusal of another one."""
    if not any(part in error.code.lower() for part in _REFUSED):
        return []
    found = _LISTED.search(str(error))
    return [item[0] for item in _VERSION.finditer(found[1])] if found else []


def _order(version: str) -> tuple[str, bool]:
    """By date; the stable one of a day comes after its preview."""
    return version[:10], not version.endswith("-preview")
