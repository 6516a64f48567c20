"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` of an AI services account, as neutral rules. Pure.

Both members matter: a list with the switch off is accepted and does nothing. The list governs calls the service
itself makes; it names hosts or IPv4 addresses, without ports (data loss prevention article of Azure AI services).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from allowlist.estate.known import SETTLED, KnownObject, holds, is_expression, state_in
from allowlist.names import normalise
from allowlist.points.managed.translate import WEB, opaque, open_ruleset
from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.model import (
    ALL_PORTS,
    Action,
    ApplicationRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)

COLLECTION = "allowedFqdnList"
SETTINGS = "account"
SWITCH = "restrictOutboundNetworkAccess"

DOCUMENTED_KINDS: Final = frozenset(
    {
        "OpenAI",
        "ComputerVision",
        "ContentModerator",
        "CustomVision.Training",
        "CustomVision.Prediction",
        "Face",
        "FormRecognizer",
        "SpeechServices",
        "QnAMaker",
        "QnAMaker.v2",
    }
)
"""Account kinds of the eight services the article names; which ``kind`` belongs to which service is inferred."""

UNCLEAR_KINDS: Final = frozenset(["AIServices", "CognitiveServices"])
"""Not named, but the article's prerequisites speak of a multi-service resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """The outbound list of one account; ``entries`` are written as Azure returned them."""

    name: str
    kind: str
    restricted: bool
    entries: tuple[str, ...] = ()
    state: str = SETTLED
    doubts: tuple[str, ...] = ()
    """Members and values of the account that nobody models."""

    @classmethod
    def of(cls, name: str, kind: str, properties: Mapping[str, Any]) -> AllowList:
        found = KnownObject(properties, _ACCOUNT)
        found.doubts += [] if properties else [f"{SETTINGS}, whose properties are empty"]
        restricted = found.flag(SWITCH)
        counts = restricted or holds(found.get(COLLECTION))
        return cls(
            name=name,
            kind=kind,
            restricted=restricted,
            entries=found.texts(COLLECTION, may_be_unknown=True) if counts else (),
            state=state_in(found.body, "provisioningState", SETTLED),
            doubts=tuple(found.doubts),
        )

    @property
    def is_settled(self) -> bool:
        return self.state.lower() == SETTLED.lower()

    @property
    def normal_entries(self) -> tuple[str, ...]:
        return tuple(normal_entry(text) for text in self.entries)


_ACCOUNT = frozenset(
    {"provisioningState", "endpoint", "internalId", "capabilities", "isMigrated", "migrationToken"}
    | {
        "skuChangeInfo",
        "customSubDomainName",
        "networkAcls",
        "encryption",
        "userOwnedStorage",
        "amlWorkspace",
    }
    | {"privateEndpointConnections", "publicNetworkAccess", "apiProperties", "dateCreated", "callRateLimit"}
    | {"dynamicThrottlingEnabled", "storedCompletionsDisabled", "quotaLimit", SWITCH, COLLECTION}
    | {"disableLocalAuth", "endpoints", "restore", "deletionDate", "scheduledPurgeDate", "locations"}
    | {"commitmentPlanAssociations", "abusePenalty", "raiMonitorConfig", "networkInjections"}
    | {"allowProjectManagement", "defaultProject", "associatedProjects", "uniqueSubDomain", "armFeatures"}
)
"""Members of an account (API description of Microsoft.CognitiveServices, 2026-07-01, and recorded answers)."""


def normal_entry(text: str) -> str:
    try:
        return normalise(text)
    except UnicodeError:
        return text.strip().lower()


def to_ruleset(allowed: AllowList) -> Ruleset:
    """One rule per entry; an account whose switch is off lets everything through.

    An account with a member nobody models may let everything through and may deny it. Wildcards are documented
    nowhere for this list, so an entry with one may stand for any name.
    """
    if not allowed.restricted and not allowed.doubts:
        return open_ruleset(allowed.name, SWITCH, SETTINGS)
    ref = RuleRef(policy=allowed.name, group="", collection=SETTINGS, rule=SWITCH)
    before = opaque(ref, allowed.doubts) if allowed.doubts else []
    state = "" if allowed.is_settled else f"the account is {allowed.state}"
    addresses = [(entry, _address(entry)) for entry in allowed.normal_entries]
    network = [_address_rule(allowed.name, entry, where) for entry, where in addresses if where]
    names = [_name_rule(allowed.name, entry) for entry, where in addresses if not where]
    return Ruleset(
        name=allowed.name,
        network=(*before, *(replace(rule, state=state) for rule in network)),
        application=tuple(replace(rule, state=state) for rule in names),
        settings=Settings(is_managed=True),
    )


def _address(text: str) -> AddressSet | None:
    try:
        return AddressSet.parse([str(ipaddress.IPv4Address(text))])
    except ValueError:
        return None


def _ref(name: str, entry: str) -> RuleRef:
    return RuleRef(policy=name, group="", collection=COLLECTION, rule=entry)


def _name_rule(name: str, entry: str) -> ApplicationRule:
    is_open = "*" in entry or is_expression(entry)
    return ApplicationRule(
        ref=_ref(name, entry),
        action=Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=() if is_open else (entry,),
        unresolved=(entry,) if is_open else (),
    )


def _address_rule(name: str, entry: str, where: AddressSet) -> NetworkRule:
    return NetworkRule(
        ref=_ref(name, entry),
        action=Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        protocols=frozenset({"tcp"}),
        ports=(ALL_PORTS,),
        destinations=where,
    )
