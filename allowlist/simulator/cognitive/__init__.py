"""Microsoft.CognitiveServices: accounts with their allow list, managed network and content policies."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Call, Kind, Provider
from allowlist.simulator.cognitive.accounts import Accounts
from allowlist.simulator.cognitive.children import AccountChildren
from allowlist.simulator.cognitive.deleted import DeletedAccounts, list_deleted
from allowlist.simulator.cognitive.networks import AccountNetworks, AccountRules
from allowlist.simulator.cognitive.rai_policies import RaiPolicies
from allowlist.simulator.cognitive.settings import CognitiveSettings

__all__ = ["CognitiveSettings", "MicrosoftCognitiveServices"]


class MicrosoftCognitiveServices(Provider):
    """Accounts, managedNetworks, outboundRules and raiPolicies; other children of an account plainly."""

    namespace = "Microsoft.CognitiveServices"

    def __init__(self, settings: CognitiveSettings | None = None) -> None:
        chosen = settings or CognitiveSettings()
        kinds: list[Kind] = [
            Accounts(chosen),
            AccountNetworks(chosen),
            AccountRules(chosen),
            RaiPolicies(chosen),
            DeletedAccounts(),
        ]
        by_path = {kind.type_name.split("/", 1)[1]: kind for kind in kinds}
        super().__init__(by_path, fallback=AccountChildren())

    def special(self, call: Call) -> Reply | None:
        """``deletedAccounts`` of a subscription has no type of its own in the path."""
        first = call.address.segments[0].lower() if call.address.segments else ""
        if call.method == "GET" and first == "deletedaccounts":
            return list_deleted(call)
        return None
