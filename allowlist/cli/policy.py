"""``allowlist policy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from allowlist.cli.common import decider_options, json_option, ledger_from, ledger_option, who_decides
from allowlist.cli.console import put, put_json, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.plan.model import ApprovalInForce


@click.command()
@click.argument("place", metavar="[FILE|URL@sha256:…]", required=False)
@click.option(
    "--keep-for", metavar="WORKLOAD", help="Put it on record: the ledger holds it for this workload."
)
@click.option("--of", "workload", metavar="WORKLOAD", help="Show the one the ledger holds for this workload.")
@decider_options
@ledger_option
@json_option
def policy(
    place: str | None,
    keep_for: str | None,
    workload: str | None,
    sign_in: SignIn,
    ledger_url: str | None,
    as_json: bool,
) -> int:
    """Show an approval policy, or keep it in the ledger, out of reach of whoever writes the workload file.

    What the ledger holds for a workload is in force: nothing is applied under another policy.

    \b
    Examples:
      allowlist policy approval.yaml
      allowlist policy approval.yaml --keep-for chat-prod
      allowlist policy --of chat-prod
    """
    from allowlist.workflow.approval_policy import keep_policy, policy_from_ledger, read_policy

    if (place is None) == (workload is None):
        raise click.UsageError("name a policy (FILE or URL@sha256:…), or a workload with --of")
    if place is None:
        with ledger_from(ledger_url) as ledger:
            found = policy_from_ledger(ledger, str(workload))
    else:
        found = read_policy(place)
    _show(found.told, as_json=as_json)
    if keep_for and place:
        who = who_decides(sign_in.to()).who
        with ledger_from(ledger_url) as ledger:
            digest = keep_policy(ledger, keep_for, found, who)
        say(f"kept for {keep_for} by {who}: {digest}; plan under it with --policy ledger")
    return Exit.DONE


def _show(told: ApprovalInForce, *, as_json: bool) -> None:
    if as_json:
        put_json(told)
        return
    put(f"{told.digest}  from {told.origin}")
    put(f"approvers: {', '.join(told.approvers) or 'anybody'}")
    put(f"four eyes: {'yes' if told.four_eyes else 'no'}")
    quorum = ", ".join(f"{count} for {risk}" for risk, count in sorted(told.quorum.items()))
    put(f"quorum: {quorum or 'one for every risk'}")
    put(f"an approval counts for {counted(told.valid_days, 'day')} at most")
