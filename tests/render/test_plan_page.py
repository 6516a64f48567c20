"""The page of a plan holds what an approver needs, in order of risk, under ids that stay, and runs nobody's script."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from allowlist.plan.model import Classification, Cost, Gate, Proof, Risk
from allowlist.plan.risks import is_proved, riskiest_first, risks_of
from allowlist.render.plan_html import plan_html
from allowlist.render.plan_view import ChangeView, documented_line, price
from tests.helpers.cli import CONTOSO, allowlist
from tests.helpers.plans import PROVED, a_change, a_plan, resealed
from tests.helpers.review_plan import review_plan


class Outline(HTMLParser):
    """Ids, links and texts of a page; fails on markup that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]
        self.links += [found["href"]] if tag == "a" and found.get("href") else []  # type: ignore[list-item]
        self.scripts += tag == "script"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_change_and_gate_has_an_anchor_and_every_link_leads_to_one() -> None:
    plan = review_plan()
    outline = Outline(plan_html(plan))
    assert {f"change-{change.id}" for change in plan.changes} <= set(outline.ids)
    assert {f"gate-{gate.id}" for gate in plan.gates} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))
    inner = {link[1:] for link in outline.links if link.startswith("#")}
    assert inner <= set(outline.ids)


def test_proofs_witnesses_sources_price_minutes_and_what_is_final_are_on_it() -> None:
    text = Outline(plan_html(review_plan())).text
    for shown in (
        "other storage accounts open as well",
        "witness: 10.0.0.4 → other.blob.core.windows.net https:443",
        "10.0.0.0/24 → huggingface.co https:443",
        "cannot be undone: isolation cannot be switched off again",
        "912 EUR a month",
        "about 8 minutes",
        "allowlist approve PLAN --accept removals --reason TEXT",
    ):
        assert shown in text, shown


def test_what_there_is_one_of_is_counted_as_one() -> None:
    change = a_change("a.example", cost=Cost(minutes=1.0))
    gate = Gate(id="growth", passed=False, text="grows", changes=(change.id,))
    plan = msgspec.structs.replace(resealed(a_plan(change)), gates=(gate,), minutes=1.0)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plan_html(plan)))
    for shown in (
        "1 change 0 not proved 1 gate closed 0 gaps 1 minute , about",
        "1 change waits for it",
        "about 1 minute",
    ):
        assert shown.replace(" ,", ",") in text, shown


def test_the_riskiest_stands_first() -> None:
    plan = review_plan()
    order = re.findall(r'<article class="card change[^"]*" id="change-(\w+)"', plan_html(plan))
    assert order == [change.id for change in riskiest_first(plan.changes)]
    first = next(change for change in plan.changes if change.id == order[0])
    assert not is_proved(first)


def test_all_risks_of_a_change_are_told() -> None:
    billed = a_change(
        "*.a.example", risk=Risk.BILLED, cost=Cost(billed="a firewall", irreversible="for good")
    )
    wild = msgspec.structs.replace(billed, requirements=review_plan().changes[1].requirements)
    assert risks_of(wild) == (Risk.IRREVERSIBLE, Risk.BILLED, Risk.WILDCARD)
    gone = a_change("a.example", action="remove", risk=Risk.REMOVAL)
    wider = msgspec.structs.replace(gone, classification=Classification.WIDENS)
    assert risks_of(wider) == (Risk.WIDENING, Risk.REMOVAL)
    assert risks_of(a_change("a.example")) == (Risk.LOW,)
    text = Outline(plan_html(resealed(a_plan(wild)))).text
    assert all(word in text for word in ("$ billed", "* wildcard", "! irreversible"))


def test_what_opens_besides_is_on_the_page(workplace: Path) -> None:
    allowlist("demo", "--files", "contoso")
    where = ("--workload", "contoso/allowlist.yaml", "--snapshot", CONTOSO)
    plan = allowlist("plan", *where, "-o", "plan.html", "-o", "plan.json", "--json").json
    assert (workplace / "plan.json").is_file()
    text = Outline((workplace / "plan.html").read_text()).text
    managed = [change for change in plan["changes"] if change["target"] == "foundry-account"]
    besides = [flow for change in managed for flow in change["proofs"]["nothing_else"]["also"]]
    assert "huggingface.co http:80" in besides
    assert all(flow in text for flow in besides)


def test_nothing_that_a_stranger_wrote_runs_or_hides() -> None:
    evil = '"><script>alert(1)</script>\u202e'
    change = a_change("a.example")
    wish = msgspec.structs.replace(
        review_plan().changes[0].requirements[0],
        purpose=evil,
        source_url="javascript:alert(1)",
        pattern="a.example",
    )
    change = msgspec.structs.replace(
        change,
        title=evil,
        requirements=(wish,),
        proofs=msgspec.structs.replace(PROVED, needed=Proof(holds=True, text=evil)),
    )
    page = plan_html(msgspec.structs.replace(a_plan(change), workload=evil))
    outline = Outline(page)
    assert outline.scripts == 1
    assert "\u202e" not in page
    assert not any(link.startswith("javascript:") for link in outline.links)
    assert "script-src 'sha256-" in unescape(page.split("<body>")[0])


def test_sources_lead_to_the_words_on_the_page() -> None:
    wish = review_plan().changes[1].requirements[0]
    assert documented_line(wish) == "https://docs.example/vscode/network#:~:text=vsassets.io"
    blob = msgspec.structs.replace(wish, source_url="https://github.com/o/r/blob/c0ffee/page.md")
    assert documented_line(blob) == "https://github.com/o/r/blob/c0ffee/page.md?plain=1#:~:text=vsassets.io"
    assert ChangeView(a_change("a.example")).sources == ()


def test_a_price_that_nobody_knows_is_not_nothing() -> None:
    assert price(a_plan(a_change("a.example"))) == ""
    billed = a_change("a.example", risk=Risk.BILLED, cost=Cost(billed="a firewall"))
    assert price(a_plan(billed)) == "no price known"
