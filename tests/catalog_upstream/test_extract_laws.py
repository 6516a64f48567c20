"""Laws of extraction: it survives anything, and the order of rows or their decoration changes nothing."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.catalog.upstream.drift import deltas_between, facts_of
from allowlist.catalog.upstream.extract import extract_rows
from tests.helpers.laws import examples

LABEL = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
HOST = st.builds(
    lambda star, labels: ("*." if star else "") + ".".join([*labels, "contoso", "com"]),
    st.booleans(),
    st.lists(LABEL, min_size=1, max_size=3),
)
HOSTS = st.lists(HOST, min_size=1, max_size=8, unique=True)


def as_table(hosts: list[str]) -> str:
    return "| Host name | Purpose |\n| --- | --- |\n" + "".join(f"| `{host}` | Needed. |\n" for host in hosts)


def as_list(hosts: list[str]) -> str:
    return "Allow traffic to the following hosts:\n\n" + "".join(f"* {host}\n" for host in hosts)


def as_code(hosts: list[str]) -> str:
    return "Hosts to allow\n\n```\n" + "\n".join(hosts) + "\n```\n"


@given(st.text(max_size=400))
@settings(max_examples=examples(150))
def test_any_text_is_read_without_an_error(text: str) -> None:
    rows = extract_rows(text, "page.md")

    assert all(1 <= row.line <= len(text.split("\n")) + text.count("\r") for row in rows)


@given(HOSTS)
@settings(max_examples=examples(40))
def test_a_table_a_list_and_a_code_block_of_the_same_hosts_are_the_same_set(hosts: list[str]) -> None:
    facts = [facts_of(extract_rows(write(hosts), "page.md")) for write in (as_table, as_list, as_code)]

    assert [len(one.ports) for one in facts] == [len(hosts)] * 3
    assert [deltas_between(facts[0], other) for other in facts[1:]] == [[], []]


@given(HOSTS, st.randoms())
@settings(max_examples=examples(40))
def test_the_order_of_lines_is_no_drift(hosts: list[str], random: Random) -> None:
    shuffled = list(hosts)
    random.shuffle(shuffled)

    before, after = (facts_of(extract_rows(as_table(one), "page.md")) for one in (hosts, shuffled))

    assert deltas_between(before, after) == []


@given(HOSTS, HOSTS)
@settings(max_examples=examples(40))
def test_drift_is_the_difference_of_the_sets(older: list[str], newer: list[str]) -> None:
    before, after = (facts_of(extract_rows(as_list(one), "page.md")) for one in (older, newer))
    deltas = deltas_between(before, after)

    assert {d.place.subject.value for d in deltas if d.change == "added"} == set(newer) - set(older)
    assert {d.place.subject.value for d in deltas if d.change == "ended"} == set(older) - set(newer)
