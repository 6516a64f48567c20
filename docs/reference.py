"""Write the reference from the models it is about, before the site is built (``make docs``): nothing of it is kept.

MkDocs calls :func:`on_pre_build`; ``python docs/reference.py`` does the same by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from allowlist.catalog import load_library
from allowlist.cli.exits import Exit
from allowlist.cli.main import COMMANDS, main
from allowlist.cli.schema import all_schemas
from allowlist.network.recommendations import RECOMMENDATIONS
from allowlist.observe.metrics import Metrics
from allowlist.plan.findings import Status
from allowlist.plan.gate_words import GATES
from allowlist.plan.model import Classification, Risk
from allowlist.render.catalog_page import catalog_page, catalogs_page
from allowlist.render.notices import RULES
from allowlist.rules.near_miss import Lack
from allowlist.workflow.answer_schemas import PRINTED_BY
from allowlist.workload.document import EventKind

HERE = Path(__file__).parent / "reference"

EXITS = {
    Exit.DONE: ("Done, nothing pending.", "Nothing."),
    Exit.FAILED: (
        "Failed, usage included: a file is wrong, Azure refused, an option does not exist.",
        "The message names the place (`file:line:column`) and the hint names the next step.",
    ),
    Exit.PENDING: (
        "Changes or findings are pending; only with `--exit-code` or `compare --fail-on`.",
        (
            "`allowlist check --details` and `allowlist plan` show what; approve and apply, or see to it. What was held back "
            "`allowlist catalog follow --accept-shrink` takes."
        ),
    ),
    Exit.GATE: (
        "A gate blocks it.",
        (
            "Read [the gate](gates.md), then `allowlist approve PLAN --accept GATE --reason TEXT`. `allowlist export` refuses with it "
            "what the other side cannot say, and names the option that lets it pass."
        ),
    ),
    Exit.STALE: (
        "The plan is stale: it is too old, or its target changed since.",
        "Make it again: `allowlist plan -o FILE`. Approvals of changes that mean the same stay.",
    ),
    Exit.NOT_APPROVED: (
        "Something in the plan is not approved, or not by enough people.",
        "`allowlist approve`, or `apply --approved-only` for what is.",
    ),
    Exit.LOCKED: (
        "Another run holds the lock.",
        "Wait, or give `--lock-timeout`; `allowlist unlock` shows who holds it.",
    ),
    Exit.IN_PART: (
        "Applied in part, or not converged.",
        "`allowlist history RUN` says what is done; `apply --resume RUN` goes on, `rollback RUN` goes back.",
    ),
    Exit.INTERRUPTED: (
        "Interrupted.",
        "`allowlist history` names the run; `apply --resume RUN` finishes what it began.",
    ),
}

EVENTS = {
    "plan-ready": "A plan waits for people.",
    "approved": "Changes were approved.",
    "applied": "Changes were applied and verified.",
    "rolled-back": "A run was undone and verified.",
    "drift": "Somebody changed a rule of ours.",
    "failed": "A target could not be taken care of.",
    "catalog-update-available": "A pinned catalog has a newer release.",
    "expiring": "A waiver, an approval or an own requirement is about to end.",
    "denied": "A name was denied that was not told of before, by the logs that `evidence` names.",
}

RISKS = {
    Risk.LOW: "An exact name, added, proved.",
    Risk.WILDCARD: "A wildcard or a broad tag.",
    Risk.REMOVAL: "A rule goes.",
    Risk.WIDENING: "Flows open that nobody asked for.",
    Risk.BILLED: "Something is billed from then on.",
    Risk.IRREVERSIBLE: "It cannot be taken back.",
}

CLASSES = {
    Classification.NEW: "Lets through what was not let through.",
    Classification.ALREADY_COVERED: "Everything it asks for is let through already.",
    Classification.WIDENS: "Opens more than is asked for.",
    Classification.NARROWS: "Closes flows.",
    Classification.SHADOWED: "Stands behind a rule that decides first.",
    Classification.REDUNDANT: "Lets nothing through that others do not.",
}

LACKS = {
    Lack.NAME: "The rule names the parent or the wildcard, not this name.",
    Lack.PORT: "The rule is for another port.",
    Lack.PROTOCOL: "The rule is for another protocol.",
    Lack.SOURCE: "The rule is for other sources.",
    Lack.DNS_PROXY: "The rule names a host, which counts only while the firewall's DNS proxy is on.",
    Lack.URL: "The rule names a URL, which takes a Premium policy, and TLS inspection for https.",
    Lack.ORDER: "A deny is evaluated first.",
}

SKIPS = {
    "kept-by-delete-policy": "Nobody wants the rule any more, and the delete policy of the target keeps it.",
    "removal-proposed": "The catalog entry of the rule ended lately; the rule stays for `gates.propose_days`.",
    "name-taken": "A rule of somebody else has the name.",
    "no-managed-network": "The resource has no managed network to write rules to.",
    "approved-not-in-force": "The rule is written and not in force yet.",
    "isolation_mode_is_one_way": "An isolation mode can be tightened and never loosened.",
    "unknown_isolation_mode": "The target asks for an isolation mode that Azure does not have.",
    "unknown_firewall_sku": "The target asks for a firewall SKU that Azure does not have.",
    "account_firewall_sku_fixed_after_deployment": "The firewall of an account keeps its SKU; a hub's can change.",
    "managed_network_kind_is_one_way": "A managed network of kind V2 cannot go back to V1.",
}

CAUSES = {
    "bad-state": "Azure says that the resource failed or is changing: what it holds is not known to be in force.",
    "not-modelled": "A value or key that this version does not know, or that was named and not read.",
    "not-read": "Something that belongs to the target could not be read.",
    "left-out": "No rule of this kind of target can say the requirement, and nobody looked whether it is let through.",
    "nothing-asked": "Something named in the workload file asks for nothing.",
    "other-workload": "The rules carry the mark of another workload, or of an earlier name of this one.",
    "internet-not-routed-to-firewall": "The virtual hub does not send the Internet to its firewall.",
    "way-to-firewall-in-doubt": "It is not certain that the virtual hub sends the Internet to its firewall.",
    "satisfied-by-private-endpoint": "A private endpoint in reach serves the name, so no rule is needed.",
    "private-endpoint-unresolved": "A private endpoint serves the name, and whether the name resolves to it is not known.",
    "private-endpoint-not-resolved": "A private endpoint serves the name, which still resolves publicly: the firewall sees it.",
    "private-endpoint-exfiltration": "A wildcard lets names out that a private endpoint serves, and with them those of strangers.",
    "private-endpoint-redundant": "A private endpoint serves the name, so no flow to it comes to the rule.",
    "covered_unrestricted": "Let through, because nothing restricts egress there.",
    "covered_pending": "A rule lets it through and is not in force yet.",
    "covered_failed": "A rule would let it through, and Azure failed to carry it out.",
    "no_managed_network": "The resource has no managed network.",
    "network_not_provisioned": "The managed network is not provisioned: no rule is in force yet.",
    "managed_network_off_check_customer_vnet_and_azure_firewall": "Isolation is disabled: a network of yours decides, or nothing.",
    "egress_not_restricted": "The isolation mode restricts no egress.",
    "approved_not_in_force": "The rule is there and not in force yet.",
    "rule_failed": "Azure says that the rule failed.",
    "precedence_against_required_allow_rules_unknown": "How a denying service tag rule ranks against required rules is not documented.",
    "storage_fqdn_rule_may_not_work_documentation_conflict": "Pages disagree whether an FQDN rule reaches storage.",
    "storage_by_fqdn_not_supported": "In approved-only mode storage accounts are reached by private endpoint, not by FQDN rule.",
    "storage_by_fqdn_not_supported_and_exfiltration_risk": "The same, and the wildcard covers storage accounts of anybody.",
    "fqdn_rules_only_80_443": "FQDN rules of a managed network open https:443 and http:80 only.",
    "fqdn_rules_do_not_propagate_to_spark": "Serverless Spark does not honour FQDN rules.",
    "addresses_need_a_service_tag_rule": "Addresses are reached by a service tag rule with addressPrefixes, which is counted and not written.",
    "no_fqdn_tags": "Managed networks know no FQDN tags.",
    "required_and_system_rules_are_never_written": "The rule belongs to the service, which refuses writes of it.",
    "invalid_rule_name": "Azure takes no rule of this name.",
    "only_private_endpoint_rules_allowed_in_this_mode": "The isolation mode takes private endpoint rules only.",
    "destination_is_empty": "The rule names no destination.",
    "destination_already_has_a_rule": "Another rule has the destination already.",
    "endpoint_is_incomplete": "A private endpoint rule lacks its resource or its subresource.",
    "unknown_rule_type": "The rule is of a type that Azure does not have.",
    "unknown_protocol": "The rule names a protocol that Azure does not have.",
    "not_a_host_name_or_leading_wildcard": "The target takes host names, and wildcards only at their start.",
    "outbound_access_not_restricted": "The account does not restrict outbound access.",
    "allowlist_present_but_not_enforced": "The account has a list, and the switch that makes it count is off.",
    "kind_not_among_services_documented_to_support_dlp": "No document says that accounts of this kind honour an outbound list.",
    "property_may_be_accepted_but_not_enforced": "Azure may take the setting and not enforce it.",
    "enforcement_not_documented_for_this_kind": "Documents disagree whether accounts of this kind enforce the list.",
    "names_and_addresses_only": "The list of an account holds host names and addresses only.",
    "names_only": "The target holds host names only.",
    "host_names_only": "What is asked for is no host name, and the target takes nothing else.",
    "web_calls_only": "The target governs web calls only.",
    "hosts_of_web_calls_only": "An egress policy of agents sees web calls by host only.",
    "ipv4_only": "The list takes IPv4 addresses only.",
    "wildcards_not_documented": "No document says what a wildcard means to this target.",
    "no_egress_policy": "The policy of the agents restricts no egress.",
    "policy_in_audit_mode": "The policy logs what it would deny, and lets it through.",
    "policy_not_attached": "No agent version names the policy, so it decides nothing.",
    "attachment_not_known": "Whether an agent version names the policy is not known: the ARM API does not expose it.",
    "perimeter_not_enforced": "The association is in an access mode that logs and does not deny.",
    "perimeter_without_resources": "No resource is associated with the profile, so its rules hold for nothing.",
    "fqdn_rules_are_outbound_only": "Names may stand in outbound rules of a perimeter only.",
    "exactly_one_list_per_rule": "An access rule of a perimeter takes one list.",
    "maximum_200_elements_per_profile": "A profile of a perimeter takes 200 rule elements.",
    "not_seen_by_filter": "The filter does not see such a flow; another way decides about it.",
    "does_not_load": "The filter would not load the file.",
    "dead_entry": "The entry of the filter never matches.",
    "hidden_entry": "An earlier entry of the filter says the same, so this one never decides.",
    "order_trap": "An earlier entry of the filter says the opposite, so this one never decides.",
    "opaque_entry": "What the entry of the filter matches is not known.",
    "not_read": "A file that the filter reads was not read.",
}
"""``code`` of a finding in JSON: the cause, where there is a word for it."""

FACTS = """For `--facts`, in YAML or JSON: what the ARM API does not expose. A key that is missing is not known, an empty
value is known to be empty."""

SECTIONS = {
    "workload": (
        "The workload file",
        "`allowlist.yaml`, in YAML. Its schema for editors: `allowlist schema workload`.",
    ),
    "facts": ("The facts file", FACTS),
    "policy": (
        "The approval policy",
        "For `--policy`: a file of its own, so that the author of a change cannot edit it.",
    ),
    "decisions": ("The decisions file", "Written by `approve -o FILE`, read by `apply --approvals FILE`."),
    "review-settings": (
        "Review settings",
        "`review.yaml` in `$XDG_CONFIG_HOME/allowlist`: keys and theme of the screen.",
    ),
    "catalog": (
        "The catalog file",
        "One service with all its versions; see [catalogs](https://github.com/).",
    ),
}


def pages() -> dict[str, str]:
    """Every page of the reference by its name."""
    found = {
        "commands.md": "\n".join(_commands()),
        "exit-codes.md": "\n".join(_exit_codes()),
        "gates.md": "\n".join(_gates()),
        "reason-codes.md": "\n".join(_reason_codes()),
        "posture.md": "\n".join(_recommendations()),
        "metrics.md": "\n".join(_metrics()),
        "events.md": "\n".join(_events()),
        "json.md": "\n".join(_answers()),
    }
    library, today = load_library(), datetime.now(UTC).date()
    found["catalogs/index.md"] = catalogs_page(tuple(library))
    found |= {f"catalogs/{item.name}.md": catalog_page(item, today) for item in library if item.releases}
    found |= {f"documents/{name}.md": "\n".join(_document(name)) for name in SECTIONS}
    found |= {f"gates/{name}.md": "\n".join(_gate(name)) for name in GATES}
    found |= {f"errors/{int(code)}.md": "\n".join(_error(code)) for code in EXITS if code}
    return {name: text.rstrip() + "\n" for name, text in found.items()}


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)


def _commands() -> Iterator[str]:
    yield "# Commands\n\nEvery command with all its options; `allowlist COMMAND --help` says the same.\n"
    yield from _table(
        ("command", "what it does"),
        [(f"[{name}](#allowlist-{name})", text) for name, text in COMMANDS.items()],
    )
    context = click.Context(main, info_name="allowlist")
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield from _command(command, context, name)


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100, terminal_width=100)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _command(found, context, child)


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes\n\nThe code follows from what was printed.\n"
    rows = [
        (f"[{int(code)}](errors/{int(code)}.md)" if code else "0", text) for code, (text, _) in EXITS.items()
    ]
    yield from _table(("code", "meaning"), rows)


def _error(code: Exit) -> Iterator[str]:
    text, step = EXITS[code]
    yield f"# Exit code {int(code)}\n\n{text}\n\n**What to do.** {step.replace('(gates.md)', '(../gates.md)')}"


def _gates() -> Iterator[str]:
    yield "# Gates\n\nA gate stands in the way of the changes it names until somebody accepts it by its id, with a reason:"
    yield "`allowlist approve PLAN --accept GATE --reason TEXT`. A waiver in the workload file answers for one until a date.\n"
    yield from _table(
        ("gate", "closes when"), [(f"[{name}](gates/{name}.md)", words.when) for name, words in GATES.items()]
    )


def _gate(name: str) -> Iterator[str]:
    words = GATES[name]
    yield f"# Gate `{name}`\n\n**When it closes.** {words.when}\n\n**Why it is there.** {words.why}\n"
    yield f"**What helps.** {words.do}\n"
    if name == "limit":
        yield "It is final: nobody can accept it."
    else:
        yield f"Or accept it: `allowlist approve PLAN --accept {name} --reason TEXT`, with the whole id as the plan shows it."


def _reason_codes() -> Iterator[str]:
    yield "# Words and reason codes\n\n## Findings\n"
    yield from _table(("status", "meaning"), [(f"`{status}`", RULES[status.value]) for status in Status])
    yield "\n## Causes\n\nThe `code` of a finding with `--json`, where its cause has one:\n"
    yield from _table(("code", "meaning"), [(f"`{code}`", text) for code, text in CAUSES.items()])
    yield "\n## Risks\n"
    yield from _table(("risk", "meaning"), [(f"`{risk}`", text) for risk, text in RISKS.items()])
    yield "\n## Classes of changes\n"
    yield from _table(("class", "meaning"), [(f"`{item}`", text) for item, text in CLASSES.items()])
    yield "\n## What a near miss lacks\n"
    yield from _table(("code", "meaning"), [(f"`{item}`", text) for item, text in LACKS.items()])
    yield "\n## What is left alone, and why\n"
    yield from _table(("code", "meaning"), [(f"`{code}`", text) for code, text in SKIPS.items()])


def _recommendations() -> Iterator[str]:
    yield "# Posture checks\n\nWhat `allowlist posture` and its page look for in the network around a workload. A finding's id is"
    yield "`CODE:NAME`, with the name of the resource it is about; `suppressions` of the workload file takes the id, or the code alone"
    yield "for all of them, with an owner, a reason and a date.\n"
    rows = [
        (f"`{code}`", item.service.value, item.text, f"[page]({item.source})")
        for code, item in RECOMMENDATIONS.items()
    ]
    yield from _table(("code", "service", "what is recommended", "documented"), rows)


def _metrics() -> Iterator[str]:
    yield "# Metrics\n\nIn Prometheus' text format: `sync --metrics-file FILE` or `--metrics-port PORT`.\n"
    families = sorted(Metrics().registry.collect(), key=lambda family: family.name)
    rows = [
        (f"`{item.name}{'_total' * (item.type == 'counter')}`", item.type, item.documentation)
        for item in families
    ]
    yield from _table(("metric", "type", "meaning"), rows)


def _events() -> Iterator[str]:
    yield "# Events\n\nWhat `notifications` of a workload file can be told, and a webhook receives as `allowlist/notification/v1`.\n"
    yield from _table(("event", "when"), [(f"`{name}`", EVENTS[name]) for name in get_args(EventKind)])


def _answers() -> Iterator[str]:
    yield "# What commands print as JSON\n\nWith `--json`. The whole schema of each: `allowlist schema NAME`."
    yield "Keys may be added later; none is taken away, and none changes its meaning.\n"
    rows = []
    for command, names in sorted(PRINTED_BY.items()):
        for name in names:
            schema = all_schemas()[name]()
            rows.append((f"`allowlist {command}`", f"`{name}`", _keys_of(schema)))
    yield from _table(("command", "schema", "keys"), rows)


def _keys_of(schema: dict[str, Any]) -> str:
    several = schema.get("type") == "array"
    body = schema["items"] if several else schema
    body = schema["$defs"][body["$ref"].rpartition("/")[2]] if "$ref" in body else body
    keys = ", ".join(f"`{key}`" for key in body["properties"])
    return f"a list, each with {keys}" if several else keys


def _document(name: str) -> Iterator[str]:
    title, text = SECTIONS[name]
    schema = all_schemas()[name]()
    text = text.replace("[catalogs](https://github.com/)", "`allowlist catalog show NAME`")
    yield f"# {title}\n\n{text}\n"
    root = schema.get("$ref", "").rpartition("/")[2]
    sections = schema.get("$defs", {})
    ordered = [root, *(item for item in sections if item != root)] if root in sections else list(sections)
    for section in ordered:
        yield from _section(section, sections[section])


def _section(name: str, body: dict[str, Any]) -> Iterator[str]:
    if not body.get("properties"):
        return
    yield f"\n## {name}\n"
    if body.get("description"):
        yield f"{body['description'].split(chr(10) + chr(10))[0].strip()}\n"
    needed = set(body.get("required", ()))
    rows = [
        (
            f"`{key}`",
            _type(value),
            "yes" if key in needed else _default(value),
            value.get("description", "").strip().replace("\n", " "),
        )
        for key, value in body["properties"].items()
    ]
    yield from _table(("key", "type", "must be written, else", "meaning"), rows)


def _default(value: dict[str, Any]) -> str:
    found = value.get("default")
    return f"`{found}`" if found not in (None, "", [], {}) else ""


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
    if "anyOf" in value:
        return " or ".join(_type(item) for item in value["anyOf"])
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"map to {_type(value['additionalProperties'])}"
    return str(value.get("type", "anything"))


def write() -> int:
    """Bring the pages up to date; how many changed."""
    changed = 0
    wanted = pages()
    for path in HERE.rglob("*.md"):
        if str(path.relative_to(HERE)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed += 1
    return changed


def on_pre_build(config: Any) -> None:
    """Called by MkDocs."""
    del config
    write()


if __name__ == "__main__":
    sys.stderr.write(f"{write()} pages written\n")
