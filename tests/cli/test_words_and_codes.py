"""The words that say "fine" and the exit codes are held together: for every command, on estates of every kind of trouble.

"nothing to change", "in sync" and "converged" are said, and ``--exit-code`` gives 0, only where every requirement is
covered and every rule of ours is as it should be; else what is not is named.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from allowlist.render.plan import summary_text
from allowlist.simulator import Simulator, serve
from allowlist.workflow.files import read_plan
from allowlist_tui.look import text_of
from allowlist_tui.why import unsettled_lines
from tests.helpers.cli import Result, allowlist
from tests.helpers.ledgers import opened
from tests.helpers.review_site import Time, browser, path_of, site_of
from tests.helpers.review_site import sites as served_sites
from tests.helpers.small_world import OURS, POLICY, WORKLOAD, estate, group, others_rule

FINE = ("nothing to change", "in sync", "converged")
FIRST = f"{POLICY}/ruleCollectionGroups/first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Resources beside the small estate, the words that have to be said, and whether a plan still writes something."""

    name: str
    more: tuple[dict[str, object], ...] = ()
    told: tuple[str, ...] = ()
    policy: dict[str, object] | None = None
    delete: str = "sync"

    def bodies(self) -> list[dict[str, object]]:
        found = estate(*self.more)
        properties = found[0]["properties"]
        assert isinstance(properties, dict)
        properties |= self.policy or {}
        return found


def before_ours(action: str, **rule: object) -> dict[str, object]:
    """Somebody's rule that is asked before ours."""
    found = group(FIRST, "first", others_rule("a-stop", targetFqdns=["a.foo.com"], **rule), priority=100)
    collection = found["properties"]["ruleCollections"][0]  # type: ignore[index]
    collection["action"] = {"type": action}
    return found


MINE: dict[str, object] = {"sourceAddresses": ["10.0.0.0/24"]}
HALF: dict[str, object] = {"sourceAddresses": ["10.0.0.0/25"]}
KEPT = others_rule("gone", targetFqdns=["gone.foo.com"], description="allowlist:wl:gone", **MINE)

TROUBLES = (
    Trouble(name="a deny of somebody's", more=(before_ours("Deny", **MINE),), told=("a.foo.com", "a-stop")),
    Trouble(
        name="a deny for half of the sources",
        more=(before_ours("Deny", **HALF),),
        told=("a.foo.com", "a-stop"),
    ),
    Trouble(
        name="an action nobody knows", more=(before_ours("Mirror", **MINE),), told=("a.foo.com", "Mirror")
    ),
    Trouble(
        name="a key nobody knows",
        more=(before_ours("Deny", shadowSets=["x"], **MINE),),
        told=("a.foo.com", "shadowSets"),
    ),
    Trouble(name="a policy that failed", policy={"provisioningState": "Failed"}, told=("Failed",)),
    Trouble(
        name="a policy that is being written", policy={"provisioningState": "Updating"}, told=("Updating",)
    ),
    Trouble(
        name="a rule of ours that nobody wants",
        more=(group(OURS, "allowlist-wl", KEPT, priority=1000),),
        told=("gone",),
        delete="no-remove",
    ),
)
CALM = Trouble(name="no trouble")


def ours(name: str, host: str) -> dict[str, object]:
    return others_rule(f"own.{name}", targetFqdns=[host], description=f"allowlist:wl:own@wl#{name}", **MINE)


APPLIED = group(OURS, "allowlist-wl", ours("a", "a.foo.com"), ours("b", "*.bar.com"), priority=1000)
FLOWS = tuple((source, host) for source in ("10.0.0.4", "10.0.0.200") for host in ("a.foo.com", "x.bar.com"))


def snapshot(folder: Path, name: str, trouble: Trouble) -> Path:
    """The state a trouble leaves behind, with everything of ours where it belongs."""
    bodies = trouble.bodies()
    found = [*bodies, *([] if any(body["id"] == OURS for body in bodies) else [APPLIED])]
    (folder / name).mkdir()
    (folder / name / "estate.json").write_text(json.dumps(found))
    return folder / name


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLOWLIST_LEDGER", f"sqlite:///{tmp_path}/ledger.db")
    return tmp_path


@dataclass(frozen=True, slots=True)
class Site:
    """The command line on one simulated estate."""

    url: str

    def __call__(self, *arguments: object) -> Result:
        return allowlist(*arguments, "--arm-endpoint", self.url, "--credential", "none")

    def judge(self, result: Result, trouble: Trouble, words: tuple[str, ...]) -> None:
        """What was said and the exit code say the same, and both are true."""
        said = result.out + result.err
        fine = [word for word in FINE if word in said]
        assert result.code in (0, 2), said
        if trouble.told:
            assert (fine, result.code) == ([], 2), said
            assert [word for word in words if word not in said] == []
        else:
            assert (result.code, bool(fine)) == (0, True), said


def sites(folder: Path, trouble: Trouble) -> Iterator[Site]:
    (folder / "seed").mkdir()
    (folder / "seed" / "estate.json").write_text(json.dumps(trouble.bodies()))
    (folder / "allowlist.yaml").write_text(WORKLOAD.replace("delete: sync", f"delete: {trouble.delete}"))
    simulator = Simulator()
    simulator.seed(folder / "seed")
    with serve(simulator) as running:
        yield Site(running.url)


def approve(*changes: str) -> None:
    """Approve and accept every gate that can be."""
    gates = json.loads(Path("plan.json").read_text()).get("gates", ())
    accepted = [word for gate in gates if not gate.get("final") for word in ("--accept", gate["id"])]
    result = allowlist("approve", "plan.json", *changes, "--reason", "r", *accepted)
    assert result.code == 0, result.err


@pytest.mark.parametrize("trouble", [*TROUBLES, CALM], ids=lambda item: item.name)
def test_what_is_said_and_the_exit_code_are_one(place: Path, trouble: Trouble) -> None:
    for site in sites(place, trouble):
        plan = site("plan", "-o", "plan.json", "--exit-code")
        assert plan.code == 2
        if trouble.policy is None or trouble.policy["provisioningState"] == "Failed":
            approve("--all")
            applied = site("apply", "plan.json", "--exit-code")
            told = trouble.told if trouble.policy is None else ()
            site.judge(applied, trouble if told else CALM, told)
            if not told:
                trouble = CALM
        site.judge(site("plan", "--exit-code"), trouble, trouble.told)
        site.judge(site("sync", "--exit-code"), trouble, trouble.told)
        for command in ("check", "posture"):
            result = site(command, "--exit-code")
            assert not [word for word in FINE if word in result.out + result.err]
            assert not trouble.told or result.code == 2
            assert [word for word in trouble.told if word not in result.out + result.err] == []


def test_what_was_left_out_of_a_plan_is_told_after_it_and_not_called_converged(place: Path) -> None:
    for site in sites(place, CALM):
        site("plan", "-o", "plan.json")
        first = json.loads(Path("plan.json").read_text())["changes"][0]["id"]
        approve(first)
        applied = site("apply", "plan.json", "--approved-only", "--exit-code", "--json")

        assert applied.code == 2, applied.err
        assert applied.json["converged"] is None
        assert [line.startswith("not applied ") for line in applied.json["open"]] == [True]
        assert "converged" not in applied.err


def test_no_number_is_told_of_a_target_that_could_not_be_read(place: Path) -> None:
    for site in sites(place, CALM):
        elsewhere = WORKLOAD.replace("firewallPolicies/p\n", "firewallPolicies/nowhere\n")
        (place / "allowlist.yaml").write_text(elsewhere)
        result = site("sync", "--exit-code", "--metrics-file", "allowlist.prom")
        assert result.code == 1
        told = Path("allowlist.prom").read_text()
        assert 'allowlist_target_failed{target="fw",workload="wl"} 1.0' in told
        assert "allowlist_missing_requirements{" not in told
        assert "allowlist_pending_changes{" not in told


def test_the_metrics_tell_what_the_judgement_says(place: Path) -> None:
    for site in sites(place, TROUBLES[0]):
        site("sync", "--metrics-file", "allowlist.prom")
        assert (
            'allowlist_missing_requirements{target="fw",workload="wl"} 2.0'
            in Path("allowlist.prom").read_text()
        )


@pytest.mark.parametrize("trouble", [*TROUBLES[:-1], CALM], ids=lambda item: item.name)
def test_explain_and_check_say_the_same_of_every_flow(place: Path, trouble: Trouble) -> None:
    """A requirement is covered just where each of its flows is explained as allowed, and the exit codes follow."""
    (place / "allowlist.yaml").write_text(WORKLOAD)
    state = snapshot(place, "state", trouble)
    checked = allowlist("check", "--all", "--exit-code", "--json", "--snapshot", state)
    covered = {
        item["requirement"]["pattern"]
        for item in checked.json["findings"]
        if item["requirement"] and item["status"] == "covered"
    }
    allowed = set()
    for source, host in FLOWS:
        asked = ("explain", host, "--from", source, "--exit-code", "--json", "--snapshot", state)
        explained = allowlist(*asked)
        verdict = explained.json["verdict"]
        assert explained.code == (0 if verdict == "allow" else 2), explained.out
        assert (verdict == "unknown") == bool(explained.json["unknowns"])
        allowed |= {(source, host)} if verdict == "allow" else set()
    for pattern, host in (("a.foo.com", "a.foo.com"), ("*.bar.com", "x.bar.com")):
        every = all((source, host) in allowed for source in ("10.0.0.4", "10.0.0.200"))
        assert (pattern in covered) == every, (covered, allowed)
    assert checked.code == (2 if trouble.told else 0)


@pytest.mark.parametrize("trouble", TROUBLES[:-1], ids=lambda item: item.name)
def test_a_comparison_is_the_same_and_gives_0_only_where_nothing_came_to_be_in_doubt(
    place: Path, trouble: Trouble
) -> None:
    (place / "allowlist.yaml").write_text(WORKLOAD)
    calm, other = snapshot(place, "calm", CALM), snapshot(place, "other", trouble)
    itself = allowlist("compare", calm, calm, "--exit-code", "--json")
    assert (itself.code, {item["relation"] for item in itself.json}) == (0, {"same"})
    for before, after in ((calm, other), (other, calm)):
        result = allowlist("compare", before, after, "--exit-code", "--json")
        relations = {item["relation"] for item in result.json}
        assert (result.code, relations == {"same"}) == (2, False), result.out
    broken = allowlist("compare", calm, other, "--fail-on", "breaks")
    assert broken.code == 2, broken.out
    assert "breaks" in broken.out


@pytest.mark.parametrize("trouble", [*TROUBLES, CALM], ids=lambda item: item.name)
def test_the_screen_the_page_and_the_comment_say_of_a_plan_what_its_exit_code_says(
    place: Path, trouble: Trouble
) -> None:
    """Who reviews sees what keeps all from being well, and "nothing to change" only where the command gives 0."""
    (place / "allowlist.yaml").write_text(WORKLOAD.replace("delete: sync", f"delete: {trouble.delete}"))
    state = snapshot(place, "state", trouble)
    written = ("-o", "plan.json", "-o", "plan.html", "--format", "comment")
    made = allowlist("plan", *written, "--exit-code", "--snapshot", state)
    plan = read_plan(Path("plan.json"))
    lacking = text_of(unsettled_lines(plan))
    shown = {
        "screen": f"{summary_text(plan)}\n{lacking}\n"
        + "\n".join(f"{item.title} {item.reason}" for item in plan.changes),
        "page": html.unescape(Path("plan.html").read_text()),
        "comment": html.unescape(made.out.replace("\\", "")),
    }

    assert made.code == (0 if plan.is_settled else 2) == (2 if trouble.told else 0)
    for where, text in shown.items():
        assert ("nothing to change" in text) == (made.code == 0), where
        assert [word for word in trouble.told if word not in text] == [], where


@pytest.mark.parametrize("trouble", [*TROUBLES, CALM], ids=lambda item: item.name)
@pytest.mark.filterwarnings("ignore")
def test_the_served_page_of_a_review_says_what_the_exit_code_says(place: Path, trouble: Trouble) -> None:
    """What a browser is given by ``review --web`` is held against the code of the command that made the plan."""
    (place / "allowlist.yaml").write_text(WORKLOAD.replace("delete: sync", f"delete: {trouble.delete}"))
    state = snapshot(place, "state", trouble)
    made = allowlist("plan", "-o", "plan.json", "--exit-code", "--snapshot", state)
    plan = read_plan(Path("plan.json"))
    with opened(f"sqlite:///{place}/ledger.db") as ledger, served_sites():
        site = site_of(plan, ledger, Time())
        text = html.unescape(browser(site).get(path_of(site.link)).text)

    assert made.code == (2 if trouble.told else 0)
    assert ("nothing to change" in text) == (made.code == 0)
    assert [word for word in trouble.told if word not in text] == []
