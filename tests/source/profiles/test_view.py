"""The view: in whatever order the records of two datasets come, the one that the merge rule says."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.leaves import Paths, nested
from exporter.source.profiles.merge.view import Precedence, view_of
from exporter.source.profiles.merge.writing import written
from exporter.source.records import Operation

#: When it was said, by which dataset, what.
Saying = tuple[int, str, dict[str, Any]]

PATHS = Paths()


def fragments(sayings: list[Saying]) -> list[Fragment]:
    found: dict[str, Fragment] = {}
    for at, dataset, entity in sayings:
        said = PATHS.flattened(entity)
        assert said is not None
        before = found.get(dataset)
        found[dataset], _ = written(before, dataset, ("e", "1"), (at, f"{at}:1:0"), Operation.MERGE, said)
    return list(found.values())


def seen(sayings: list[Saying], precedence: Precedence = None) -> dict[str, Any]:
    return nested(view_of(fragments(sayings), precedence))


CONFLICTING = st.dictionaries(
    st.sampled_from("ab"), st.one_of(st.integers(0, 2), st.just({"x": 1}), st.just({"y": {"z": 2}})), max_size=2
)
FLAT = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=3)
DATASETS = st.sampled_from(["crm", "web", "other"])


@given(st.lists(st.tuples(DATASETS, FLAT), max_size=5), st.randoms(use_true_random=False))
def test_the_last_write_of_each_leaf_counts(said: list[tuple[str, dict[str, Any]]], chance: Any) -> None:
    sayings = [(at, dataset, entity) for at, (dataset, entity) in enumerate(said)]
    expected: dict[str, Any] = {}
    for _, _, entity in sayings:
        expected |= entity
    chance.shuffle(sayings)
    assert seen(sayings) == expected


@given(st.lists(st.tuples(DATASETS, FLAT), max_size=5), st.randoms(use_true_random=False))
def test_the_first_dataset_counts(said: list[tuple[str, dict[str, Any]]], chance: Any) -> None:
    sayings = [(at, dataset, entity) for at, (dataset, entity) in enumerate(said)]
    expected: dict[str, Any] = {}
    for wanted in ("web", "crm"):
        for _, dataset, entity in sayings:
            if dataset == wanted:
                expected |= entity
    chance.shuffle(sayings)
    assert seen(sayings, ("crm", "web")) == expected


@given(st.lists(st.tuples(DATASETS, CONFLICTING), max_size=4), st.sampled_from([None, ("web", "crm")]))
def test_where_a_value_stands_above_others_the_order_does_not_matter_either(
    said: list[tuple[str, dict[str, Any]]], precedence: Precedence
) -> None:
    sayings = [(at, dataset, entity) for at, (dataset, entity) in enumerate(said)]
    expected = seen(sayings, precedence)
    for order in permutations(sayings):
        assert seen(list(order), precedence) == expected


@pytest.mark.parametrize(
    ("sayings", "precedence", "expected"),
    [
        ([(1, "crm", {"a": 1}), (2, "web", {"a": {"x": 2}})], None, {"a": {"x": 2}}),
        ([(2, "crm", {"a": 1}), (1, "web", {"a": {"x": 2}, "b": 1})], None, {"a": 1, "b": 1}),
        ([(1, "crm", {"a": 1}), (2, "web", {"a": {"x": 2}, "b": 1})], ("crm", "web"), {"a": 1, "b": 1}),
        ([(1, "crm", {"a": {"x": 2}}), (2, "web", {"a": 1, "b": 1})], ("crm", "web"), {"a": {"x": 2}, "b": 1}),
        ([(1, "crm", {"a": 1}), (2, "web", {"b": 1})], ("web",), {"b": 1}),
    ],
)
def test_a_value_above_others(sayings: list[Saying], precedence: Precedence, expected: dict[str, Any]) -> None:
    assert seen(sayings, precedence) == expected
