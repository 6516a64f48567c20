"""What command lines, workloads, plans and runs say about a connection to Azure; nothing is opened, so nothing for it loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from allowlist.errors import AllowlistError, PlanRefused

if TYPE_CHECKING:
    from allowlist.azure.client import Patience


class Place(Protocol):
    """What names a cloud and a tenant: a workload, a plan, a run. Empty means that it does not say."""

    @property
    def cloud(self) -> str: ...

    @property
    def tenant(self) -> str: ...


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach ARM and in which tenant; nothing is opened yet. ``tenant`` empty: the home of whoever signs in."""

    cloud: str = "public"
    tenant: str = ""
    endpoint: str | None = None
    credential: str = "default"
    ca_file: str | None = None
    patience: Patience | None = None
    api_versions: tuple[tuple[str, str], ...] = ()
    """Resource types and the version people ask for."""

    @property
    def is_signed_in(self) -> bool:
        return self.credential != "none"


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a connection; where to is for a workload, plan or run to say.

    ``cloud`` and ``tenant`` are for commands without any of these, and must not contradict them.
    """

    endpoint: str | None = None
    credential: str = "default"
    ca_file: str | None = None
    cloud: str = ""
    tenant: str = ""
    api_versions: tuple[tuple[str, str], ...] = ()

    def without_credential(self) -> SignIn:
        """For what asks Azure nothing: nobody signs in."""
        return replace(self, credential="none")

    def to(self, *places: Place) -> Connection:
        """The connection to where all of ``places`` are. Raises PlanRefused where they disagree."""
        said = [place for place in places if place.cloud]
        for place in said[1:]:
            refuse_elsewhere(said[0], place)
        cloud = _agreed("--cloud", self.cloud, said[0].cloud if said else "")
        tenant = _agreed("--tenant", self.tenant, said[0].tenant if said else "")
        return Connection(
            cloud=cloud or "public",
            tenant=tenant,
            endpoint=self.endpoint,
            credential=self.credential,
            ca_file=self.ca_file,
            api_versions=self.api_versions,
        )


def _agreed(flag: str, given: str, said: str) -> str:
    if given and said and given.lower() != said.lower():
        raise AllowlistError(f"{flag} {given} contradicts {said}", hint=f"leave {flag} out")
    return given or said


def refuse_elsewhere(here: Place, there: Place) -> None:
    """Raises PlanRefused when ``there`` was made for another cloud or tenant; older files name none."""
    if there.cloud and (here.cloud, here.tenant.lower()) != (there.cloud, there.tenant.lower()):
        raise PlanRefused(
            f"made for {place_text(there)}, but this is {place_text(here)}",
            hint="use the workload file it was made from, or make a new plan",
        )


def place_text(place: Place) -> str:
    return f"cloud {place.cloud}, {f'tenant {place.tenant}' if place.tenant else 'home tenant'}"
