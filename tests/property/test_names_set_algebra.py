"""Laws of name sets: they behave as the sets of names they stand for.

union, intersection and difference agree with membership · equal sets compare equal · a set is empty exactly
when it has no witness · a witness is a valid member · a subset has nothing outside · minimal cover keeps the set
"""

from hypothesis import given
from hypothesis import strategies as st

from allowlist.names import NameSet, Pattern, covers, is_host_name, minimal_cover, overlaps

labels = st.sampled_from(["a", "b", "ab", "x", "xa"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
patterns = st.one_of(
    names, names.map(lambda name: "*." + name), names.map(lambda name: "*" + name), st.just("*")
).map(Pattern)
sets = st.recursive(
    st.lists(patterns, max_size=4).map(NameSet),
    lambda inner: st.tuples(st.sampled_from("|&-"), inner, inner).map(
        lambda t: {"|": t[1] | t[2], "&": t[1] & t[2], "-": t[1] - t[2]}[t[0]]
    ),
    max_leaves=6,
)


@given(sets, sets, names)
def test_operations_agree_with_membership(one: NameSet, other: NameSet, name: str) -> None:
    assert (name in one | other) == (name in one or name in other)
    assert (name in one & other) == (name in one and name in other)
    assert (name in one - other) == (name in one and name not in other)


@given(sets, sets, sets)
def test_boolean_algebra_holds(a: NameSet, b: NameSet, c: NameSet) -> None:
    assert a | b == b | a
    assert a & (b | c) == (a & b) | (a & c)
    assert a - (b | c) == (a - b) - c
    assert (a - b) | (a & b) == a
    assert NameSet.everything() - (NameSet.everything() - a) == a


@given(sets)
def test_a_set_is_empty_exactly_when_it_has_no_witness(names: NameSet) -> None:
    witness = names.witness()
    assert (witness is None) == (not names)
    if witness is not None:
        assert is_host_name(witness)
        assert witness in names


@given(sets, sets)
def test_subset_means_nothing_is_left_over(a: NameSet, b: NameSet) -> None:
    assert a.is_subset(b) == (a | b == b) == (not a - b)
    assert a.is_disjoint(b) == (a - b == a)


@given(patterns, patterns)
def test_patterns_are_nested_or_disjoint(a: Pattern, b: Pattern) -> None:
    assert covers(a, b) == NameSet([b]).is_subset(NameSet([a]))
    assert overlaps(a, b) == bool(NameSet([a]) & NameSet([b]))


@given(st.lists(patterns, max_size=8))
def test_a_minimal_cover_keeps_every_name_and_loses_no_more(many: list[Pattern]) -> None:
    cover = minimal_cover(many)
    assert NameSet(cover) == NameSet(many)
    assert not any(covers(a, b) for a in cover for b in cover if a != b)


def test_a_wildcard_all_of_whose_names_are_taken_below_it_is_empty() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
    taken = [f"*{letter}.a.b" for letter in letters]
    assert not NameSet(["*.a.b"]) - NameSet(taken)
    assert (NameSet(["*.a.b"]) - NameSet(taken[1:])).witness() == "a.a.b"
