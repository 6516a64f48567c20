"""Small estates on which an answer was once wrong, each with the answer that is right: one test per folder.

The estates stand in ``$ALLOWLIST_SHARED/cases``; what is right of each is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from allowlist.simulator import Simulator, parse_fault, serve
from tests.helpers.cli import Result, allowlist
from tests.helpers.shared import SHARED, absent

CASES = SHARED / "cases"

Statuses = frozenset[str]
UNKNOWN: Statuses = frozenset({"unknown"})
MISSING: Statuses = frozenset({"missing"})

SURFACES: dict[str, tuple[Statuses, bool]] = {
    # Folder: the answers that are right for its requirement, and whether an "invalid" finding has to stand beside.
    "mode_lower": (MISSING, False),
    "deny_lower": (frozenset({"blocked"}), False),
    "action_new": (UNKNOWN, False),
    "mode_new": (UNKNOWN, False),
    "method_match": (frozenset({"unknown", "partial"}), False),
    "host_star": (UNKNOWN, False),
    "ruletype_new": (UNKNOWN, False),
    "iso_lower": (MISSING, False),
    "status_new": (UNKNOWN, False),
    "dest_star": (frozenset({"unknown", "missing"}), True),
    "dest_star2": (frozenset({"unknown", "missing"}), True),
    "dest_port": (MISSING, True),
    "dest_url": (MISSING, True),
    "unmodelled": (UNKNOWN, False),
    "apex": (MISSING, False),
    "list_wild": (UNKNOWN, False),
    "list_star": (UNKNOWN, False),
    "list_str": (UNKNOWN, False),
}


def folders(kind: str) -> list[Any]:
    """One parameter per folder below ``cases/<kind>``; a single skipped one where it is absent."""
    found = sorted(path for path in (CASES / kind).glob("*") if path.is_dir())
    if not found:
        return [absent(CASES / kind)]
    return [pytest.param(path, id=path.name) for path in found]


def on(folder: Path, command: str, *arguments: object) -> Result:
    return allowlist(
        command, "--workload", folder / "allowlist.yaml", "--snapshot", folder / "estate", *arguments
    )


def check(folder: Path, *arguments: object) -> tuple[Result, dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The result, the finding per requirement by entry, and the other findings."""
    result = on(folder, "check", "--all", "--json", "--exit-code", *arguments)
    found = result.json["findings"]
    return (
        result,
        {item["requirement"]["entry"]: item for item in found if item["requirement"]},
        [item for item in found if not item["requirement"]],
    )


def plan(folder: Path, *arguments: object) -> tuple[int, Any]:
    result = on(folder, "plan", "--json", "--exit-code", *arguments)
    return result.code, result.json


def said(folder: Path) -> str:
    result = on(folder, "plan")
    return result.out + result.err


@pytest.mark.parametrize("folder", folders("surfaces"))
def test_values_never_seen_before_are_no_cover(folder: Path) -> None:
    right, has_invalid = SURFACES[folder.name]
    result, findings, others = check(folder)

    assert result.code == 2
    assert findings["a"]["status"] in right, findings["a"]
    assert has_invalid <= any(item["status"] == "invalid" for item in others)

    code, made = plan(folder)
    assert code == 2
    assert made.get("changes") or made.get("gaps")
    assert "nothing to change" not in said(folder)


def blocked(folder: Path, rule: str) -> None:
    result, findings, _ = check(folder)
    assert (result.code, findings["a"]["status"]) == (2, "blocked")
    code, made = plan(folder)
    assert code == 2
    assert [rule in gap["cause"] for gap in made["gaps"]] == [True]
    assert "nothing to change" not in said(folder)


def removal_before_its_addition(folder: Path) -> None:
    code, made = plan(folder)
    assert code == 2
    assert [change["operation"]["action"] for change in made["changes"]] == ["add", "remove"]
    assert all(proof["holds"] for change in made["changes"] for proof in change["proofs"].values())


@contextmanager
def simulated(folder: Path, simulator: Simulator) -> Iterator[Callable[..., Result]]:
    """Commands on a simulated Azure that holds the estate of the case, with a ledger of their own."""
    simulator.seed(folder / "estate")
    with TemporaryDirectory() as place, serve(simulator) as running:
        ledger = ("--ledger", f"sqlite:///{place}/ledger.db")
        azure = (
            "--workload",
            folder / "allowlist.yaml",
            "--arm-endpoint",
            running.url,
            "--credential",
            "none",
        )

        def run(command: str, *arguments: object) -> Result:
            filled = [f"{place}/{item}" if item == "plan.json" else item for item in arguments]
            kept = ledger if command in ("apply", "approve", "sync") else ()
            return allowlist(command, *filled, *kept, *(() if command == "approve" else azure))

        yield run


def approve(run: Callable[..., Result]) -> None:
    made = run("plan", "-o", "plan.json", "--json").json
    gates = [
        word for gate in made.get("gates", ()) if not gate.get("final") for word in ("--accept", gate["id"])
    ]
    assert run("approve", "plan.json", "--all", "--reason", "r", *gates).code == 0


def never_converges(folder: Path) -> None:
    _, made = plan(folder)
    rule = made["changes"][0]["operation"]["after"]
    assert len(rule["protocols"]) == 2
    with simulated(folder, Simulator()) as run:
        approve(run)
        applied = run("apply", "plan.json", "--exit-code")
        assert (applied.code, "converged" in applied.err) == (0, True), applied.err
        again = run("plan", "--json", "--exit-code")
        assert (again.code, again.json["changes"]) == (0, [])


def own_rule_is_taken_back(folder: Path) -> None:
    result, findings, _ = check(folder)
    assert result.code == 2
    code, made = plan(folder)
    assert code == 2
    (change,) = made["changes"]
    assert change["operation"]["action"] == "update"
    keys = {"name", "ruleType", "description", "sourceAddresses", "targetFqdns", "protocols"}
    assert set(change["operation"]["after"]) == keys
    assert findings


def unknown_is_pending(folder: Path) -> None:
    result, findings, _ = check(folder)
    assert (result.code, findings["a"]["status"]) == (2, "unknown")
    code, made = plan(folder)
    assert code == 2
    assert made.get("changes") or made.get("gaps")
    assert "nothing to change" not in said(folder)


def gap_only(folder: Path) -> None:
    code, made = plan(folder)
    assert code == 2
    assert made.get("gaps") or made.get("changes")


def both_foreign_rules_stay(folder: Path) -> None:
    from tests.helpers.drafting import after_plan

    before, after = after_plan(folder)
    mine = [rule for rule in after if (rule.get("description") or "").startswith("allowlist:wl:")]
    assert [rule for rule in before if rule not in mine] == [rule for rule in after if rule not in mine]
    assert {name for rule in mine for name in rule["targetFqdns"]} == {"a.foo.com", "b.foo.com"}


def the_threat_feed_counts(folder: Path) -> None:
    facts = ("--facts", folder / "facts.yaml")
    result, findings, _ = check(folder, *facts)
    assert (result.code, findings["a"]["status"]) == (2, "blocked")
    assert "threat" in findings["a"]["because"]
    code, made = plan(folder, *facts)
    assert code == 2
    assert "threat" in made["gaps"][0]["cause"]


def not_in_force(folder: Path) -> None:
    result, findings, others = check(folder)
    assert result.code == 2
    assert findings["a"]["status"] in ("unknown", "missing")
    assert sum("Failed" in item["because"] for item in others) >= 3
    code, made = plan(folder)
    assert code == 2
    assert [change["operation"]["action"] for change in made["changes"]] == ["update"]
    assert "Failed" in made["changes"][0]["reason"]


def heals_a_write_that_failed(folder: Path) -> None:
    result, findings, _ = check(folder)
    assert (result.code, findings["a"]["status"]) == (2, "missing")
    code, made = plan(folder)
    assert (code, len(made["changes"])) == (2, 1)
    simulator = Simulator()
    simulator.faults.add(parse_fault("PUT:ruleCollectionGroups:operation-fails"))
    with simulated(folder, simulator) as run:
        approve(run)
        assert run("apply", "plan.json").code == 7
        simulator.faults.clear()
        told = run("check", "--all", "--exit-code")
        assert (told.code, "Failed" in told.out) == (2, True)
        assert "1 covered" not in told.err
        scheduled = run("sync", "--plan-only", "--exit-code")
        assert (scheduled.code, "in sync" in scheduled.out + scheduled.err) == (7, False)
        assert "hint: or undo it: allowlist rollback" in scheduled.out
        approve(run)
        healed = run("apply", "plan.json", "--exit-code")
        assert (healed.code, "converged" in healed.err) == (0, True), healed.err
        assert run("plan", "--exit-code").code == 0


def names_differ(folder: Path) -> None:
    code, made = plan(folder)
    assert code == 2
    assert len({change["operation"]["after"]["name"] for change in made["changes"]}) == 2
    assert all(proof["holds"] for change in made["changes"] for proof in change["proofs"].values())


def the_base_policy_counts(folder: Path) -> None:
    code, made = plan(folder)
    assert (code, len(made["changes"])) == (2, 2)
    assert not [gate for gate in made.get("gates", ()) if gate.get("final")]
    assert all(proof["holds"] for change in made["changes"] for proof in change["proofs"].values())


def is_covered(folder: Path) -> None:
    result, findings, _ = check(folder)
    assert findings["a"]["status"] == "covered"
    assert result.code in (0, 2)


PROOFS: dict[str, Callable[[Path], None]] = {
    "blocked-by-equal-priority-later-name": lambda folder: blocked(folder, "zzz"),
    "blocked-reads-in-sync": lambda folder: blocked(folder, "other"),
    "check-ignores-threat-feed": the_threat_feed_counts,
    "deny-without-port": unknown_is_pending,
    "dns-proxy-inherited": the_base_policy_counts,
    "everything-failed-in-snapshot": not_in_force,
    "failed-group-goes-unnoticed": heals_a_write_that_failed,
    "foreign-description-with-signed-url": is_covered,
    "gap-only-plan-exits-0": gap_only,
    "never-converges": never_converges,
    "own-rule-widened-by-ip-group": own_rule_is_taken_back,
    "own-rule-widened-by-urls": own_rule_is_taken_back,
    "removal-before-its-addition": removal_before_its_addition,
    "rule-names-collide": names_differ,
    "same-named-foreign-rule": both_foreign_rules_stay,
    "unknown-reads-nothing-to-change": unknown_is_pending,
}


@pytest.mark.parametrize("folder", folders("proof"))
def test_the_answer_is_the_right_one(folder: Path) -> None:
    PROOFS[folder.name](folder)
