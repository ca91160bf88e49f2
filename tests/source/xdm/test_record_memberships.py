"""The memberships that a record tells of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.records import Membership
from exporter.source.xdm.memberships import STATUSES, MembershipsRefused, memberships_of

TAKEN = 1_700_000_000_123


def told(entry: Any) -> Any:
    return memberships_of({"segmentMembership": {"ups": {"s": entry}}}, TAKEN)


@pytest.mark.parametrize(
    ("time", "since"),
    [
        ("2022-01-11T21:24:39Z", 1_641_936_279_000),
        ("2022-01-11T21:24:39.5Z", 1_641_936_279_500),
        ("2022-01-11T21:24:39.0014Z", 1_641_936_279_001),
        ("2022-01-11T23:24:39+02:00", 1_641_936_279_000),
        ("2022-01-11T21:24:39+0000", 1_641_936_279_000),
        ("2022-01-11 21:24:39", 1_641_936_279_000),
        ("2022-01-11T21:24Z", 1_641_936_240_000),
        (1_641_936_279, 1_641_936_279_000),
        (1_641_936_279_000, 1_641_936_279_000),
        ("1969-12-31T23:59:59Z", -1000),
        (None, TAKEN),
    ],
)
def test_a_membership_counts_from_its_time(time: Any, since: int) -> None:
    entry = {"status": "realized", "lastQualificationTime": time, "more": {"a": 1}}
    assert told(entry) == (Membership("ups", "s", "realized", since, entry),)


def test_without_a_time_it_counts_from_when_the_record_was_taken() -> None:
    assert told({"status": "exited"}) == (Membership("ups", "s", "exited", TAKEN, {"status": "exited"}),)


def test_entries_come_in_order_with_namespaces_and_ids_as_they_came() -> None:
    entry = {"status": "existing"}
    entity = {"segmentMembership": {"UPS": {"B": entry, "a": entry}, "other": {"": entry}, "none": None, "empty": {}}}
    found = memberships_of(entity, TAKEN)
    assert isinstance(found, tuple)
    assert [(each.namespace, each.id) for each in found] == [("UPS", "B"), ("UPS", "a"), ("other", "")]


@pytest.mark.parametrize("entity", [{}, {"segmentMembership": None}, {"segmentMembership": {}}, None, []])
def test_a_record_need_not_tell_of_any(entity: Any) -> None:
    assert memberships_of(entity, TAKEN) == ()


@pytest.mark.parametrize(
    ("entry", "pointer", "message"),
    [
        ({"status": "left"}, "/ups/s/status", "left is not a valid enum value"),
        ({"status": "Realized"}, "/ups/s/status", "Realized is not a valid enum value"),
        ({"status": None}, "/ups/s/status", "null is not a valid enum value"),
        ({"status": ["realized"]}, "/ups/s/status", '["realized"] is not a valid enum value'),
        ({}, "/ups/s", "required key [status] not found"),
        (None, "/ups/s", "is no object"),
        ("realized", "/ups/s", "is no object"),
        (
            {"status": "realized", "lastQualificationTime": "yesterday"},
            "/ups/s/lastQualificationTime",
            "[yesterday] is not a valid date-time",
        ),
        (
            {"status": "realized", "lastQualificationTime": True},
            "/ups/s/lastQualificationTime",
            "[true] is not a valid date-time",
        ),
    ],
)
def test_a_record_that_tells_of_them_wrongly_is_bad(entry: Any, pointer: str, message: str) -> None:
    refused = told(entry)
    assert isinstance(refused, MembershipsRefused)
    assert (refused.violation.pointer, refused.violation.message) == (f"#/segmentMembership{pointer}", message)


@pytest.mark.parametrize("given_map", ["x", [], 1, {"ups": []}, {"ups": "x"}])
def test_what_is_no_map_of_maps_is_bad(given_map: Any) -> None:
    assert isinstance(memberships_of({"segmentMembership": given_map}, TAKEN), MembershipsRefused)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)
ENTRIES = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES) | JSON}, optional={"lastQualificationTime": st.datetimes().map(str) | JSON}
)


@settings(max_examples=200)
@given(JSON | st.dictionaries(st.text(max_size=2), JSON | st.dictionaries(st.text(max_size=2), ENTRIES | JSON)))
def test_any_value_tells_of_memberships_or_is_bad(given_map: Any) -> None:
    found = memberships_of({"segmentMembership": given_map}, TAKEN)
    assert isinstance(found, MembershipsRefused) or all(isinstance(each.since, int) for each in found)
