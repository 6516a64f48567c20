"""What each gate guards against and what can be done about it: for the reference, and a test holds it complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class GateWords:
    """``when`` it closes, ``why`` it is there, ``do`` what helps besides accepting it."""

    when: str
    why: str
    do: str


GATES: Final[Mapping[str, GateWords]] = {
    "removals": GateWords(
        "More rules go, or say less, than `gates.removals` lets through (default 0). What logs show without traffic for "
        "`gates.unused_days` does not count (default 0: everything counts).",
        "A rule that goes can cut off a workload; nothing shows before somebody needs it.",
        "Look at each removal and its reason; raise `gates.removals` where removals are routine.",
    ),
    "removal-share": GateWords(
        "More than the share `gates.removal_share` of the workload's rules goes or says less (default 1.0, which never closes it).",
        "A large share at once is more often a mistake in a file than a wish.",
        "Check which catalog or scenario is no longer asked for.",
    ),
    "shrunken-catalog": GateWords(
        "More than the share `gates.catalog_shrink` of the workload's rules goes or says less (default 0.3).",
        "A catalog that was cut off, or read from the wrong place, looks like a wish to remove.",
        "Compare the versions: `allowlist catalog diff NAME@OLD..NEW`.",
    ),
    "empty-catalog": GateWords(
        "A catalog of the workload asks for nothing, and rules would be removed.",
        "An empty catalog can never plan removals by itself.",
        "Check the catalog's version, scenarios and cloud in the workload file.",
    ),
    "quarantine": GateWords(
        "Rules would go whose catalog entry ended `gates.propose_days` ago or longer (default 30), and less than "
        "`gates.quarantine_days` after that (default 60).",
        "Documentation drops names that are still in use, and brings them back.",
        "Wait until the quarantine is over, or accept it where you know that nobody asks for the name.",
    ),
    "growth": GateWords(
        "More rules are added than `gates.additions` lets through (default 200).",
        "A wrong scenario or parameter asks for hundreds of names.",
        "Look at the counts by catalog; split the change.",
    ),
    "look-alike": GateWords(
        "A pattern without a dot after its asterisk would be written, such as `*contoso.com`.",
        "It lets names through that a stranger can register, such as xcontoso.com.",
        "Write `*.contoso.com`, and `contoso.com` beside it where the domain itself is needed.",
    ),
    "wide-wildcard": GateWords(
        "A wildcard stands above every registrable domain, such as `*.com`.",
        "It lets through what anybody registers.",
        "Name the domains.",
    ),
    "shared-suffix": GateWords(
        "A wildcard covers a suffix that many customers share, such as `*.blob.core.windows.net`.",
        "Data can leave to an account of a stranger.",
        "Name your own accounts, or use private endpoints; the gate names the tighter choice.",
    ),
    "broad-tag": GateWords(
        "A service tag would be opened that holds addresses of other customers, or an FQDN tag, whose names nobody publishes.",
        "Such a service tag is as wide as a wildcard over a shared suffix; how wide an FQDN tag is, Microsoft alone knows.",
        "Use the names you need, or private endpoints; the gate names the tighter choice. A region narrows a service tag "
        "and leaves other customers in it, so the gate stays closed.",
    ),
    "field-evidence": GateWords(
        "An entry is asked for that is known from the field only, and stands on no page.",
        "What only traffic showed may be somebody else's.",
        "Read its evidence; accept it where you know the name.",
    ),
    "widening": GateWords(
        "A change would open flows that nobody asked for; the gate names one of them.",
        "The proof *nothing else* does not hold.",
        "Narrow the requirement, or accept it with the reason why the rest may pass.",
    ),
    "not-sufficient": GateWords(
        "It is not proved that a change lets through all that it is for.",
        "The proof *sufficient* does not hold: a deny comes first, or something is unknown.",
        "See the gap of the plan for the cause.",
    ),
    "assumption": GateWords(
        "Changes help only under a likely assumption, such as that a name does not resolve into a small list of addresses.",
        "What rests on an assumption is likely and not proved.",
        "Record what is known in a facts file (`--resolve`), or set `approval.assumptions`: `accept` asks nobody, and "
        "`refuse` calls unknown what rests on one.",
    ),
    "open-source": GateWords(
        "Rules would be open to every source (`*`).",
        "Everything behind the firewall could use them, not only the workload.",
        "Name the sources of the workload.",
    ),
    "foreign-overlap": GateWords(
        "A rule of ours would come before a rule of others that denies the same flow today.",
        "Somebody denied it on purpose.",
        "Ask the owner of that rule.",
    ),
    "billed": GateWords(
        "A step creates something that is billed from then on; its name follows, as in `billed-firewall-hub`.",
        "Nobody should pay by surprise: the first FQDN rule of a managed network creates a firewall.",
        "Use service tags where they do. A price under `prices` adds the amount to the plan; it opens no gate.",
    ),
    "irreversible": GateWords(
        "A step cannot be taken back; its name follows.",
        "Isolation of a managed network can be switched on, and never off again.",
        "Try it on a resource that may be deleted.",
    ),
    "cost": GateWords(
        "The plan adds more to the bill a month than `gates.monthly_cost` (default 0).",
        "Money is somebody's decision.",
        "Raise `gates.monthly_cost`, or leave out what is billed.",
    ),
    "limit": GateWords(
        "The target would exceed a documented limit, or one of your own, or hold what Azure refuses, such as a priority that is "
        "taken or an invalid name; which one follows. It cannot be accepted.",
        "Azure would refuse the write, or take it and not do it.",
        "Split the target, or merge rules; `allowlist simplify` shows which.",
    ),
    "near-limit": GateWords(
        "The target would come near a documented limit, or one of your own; its name follows.",
        "The next change may not fit.",
        "Plan for another group or policy.",
    ),
    "expired-waiver": GateWords(
        "A waiver of the workload file has expired, and something would change.",
        "Somebody answered for it until a date that is past.",
        "Renew the waiver with its owner, or remove it.",
    ),
}
"""By id; `billed`, `irreversible`, `limit` and `near-limit` are followed by the name of their step or limit."""


def words_of(gate_id: str) -> GateWords | None:
    """The words of a gate, by its whole id or the family it belongs to."""
    families = sorted(GATES, key=len, reverse=True)
    found = next((name for name in families if gate_id == name or gate_id.startswith(f"{name}-")), None)
    return GATES[found] if found else None
