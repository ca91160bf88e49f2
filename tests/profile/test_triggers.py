"""When a change is exported (contract.md#triggers), as tables."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any, get_args

import pytest
from profile_given import change, decide, event, mapping, member

from exporter.profile.decision import Excluded, Fired, Trigger
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import MappedSegment
from exporter.profile.triggers import compile_triggers

ABSENT = "absent"

TRANSITIONS = {
    (None, "realized"): True,
    (None, "existing"): True,
    (None, "exited"): False,
    ("exited", "realized"): True,
    ("exited", "existing"): True,
    ("exited", "exited"): False,
    ("realized", "realized"): False,
    ("realized", "existing"): False,
    ("realized", "exited"): True,
    ("existing", "realized"): False,
    ("existing", "existing"): False,
    ("existing", "exited"): True,
    (ABSENT, "realized"): True,
    (ABSENT, "existing"): False,
    (ABSENT, "exited"): True,
}


def entry(before: str | None, to: str, **more: Any) -> dict[str, Any]:
    return {"id": "s", "to": to, **({} if before == ABSENT else {"from": before}), **more}


def test_the_table_is_complete() -> None:
    statuses = ["realized", "existing", "exited"]
    assert set(TRANSITIONS) == set(product([None, ABSENT, *statuses], statuses))


@pytest.mark.parametrize(("before", "to"), TRANSITIONS)
def test_a_segment_fires_where_it_is_entered_or_left(before: str | None, to: str) -> None:
    decision = decide(mapping("s"), event({"segments": [entry(before, to)]}))
    assert decision == (Fired(("segment",)) if TRANSITIONS[before, to] else Excluded("no_trigger"))


@pytest.mark.parametrize(
    ("namespace", "fires"),
    [({}, True), ({"namespace": "ups"}, True), ({"namespace": None}, True), ({"namespace": "AAM"}, False)],
)
def test_a_segment_is_its_namespace_and_id(namespace: dict[str, Any], fires: bool) -> None:
    changes = {"segments": [entry(None, "realized", **namespace)]}
    assert isinstance(decide(mapping("s"), event(changes)), Fired) is fires


def test_a_mapped_segment_of_another_namespace_fires_only_with_it() -> None:
    mapped = mapping(segments=(MappedSegment("AAM", "s"),))
    assert decide(mapped, event({"segments": [entry(None, "realized", namespace="AAM")]})) == Fired(("segment",))
    assert decide(mapped, event({"segments": [entry(None, "realized")]})) == Excluded("no_trigger")


def test_ids_are_opaque_and_their_case_matters() -> None:
    changes = {"segments": [{"id": "S", "from": None, "to": "realized"}]}
    assert decide(mapping("s"), event(changes)) == Excluded("no_trigger")


def test_one_segment_that_fires_among_others_is_enough() -> None:
    changes = {
        "segments": [
            {"id": "unmapped", "from": None, "to": "realized"},
            entry("realized", "existing"),
            entry("exited", "realized"),
        ]
    }
    assert decide(mapping("s"), event(changes)) == Fired(("segment",))


@pytest.mark.parametrize(
    ("identities", "fires"), [(["ecid"], True), (True, True), (False, False), ([], False), (None, False)]
)
def test_any_identity_that_changed_fires(identities: object, fires: bool) -> None:
    decision = decide(mapping("s"), event({"identities": identities}, member("s")))
    assert decision == (Fired(("identity",)) if fires else Excluded("no_trigger"))


@pytest.mark.parametrize(
    ("mapped", "written", "fires"),
    [
        ("person.name.firstName", "person.name.firstName", True),
        ("person.name.firstName", "person.name", True),
        ("person.name.firstName", "person", True),
        ("person.name", "person.name.firstName", True),
        ("person", "person.name.firstName.x.y", True),
        ("person.name.firstName", "person.name.lastName", False),
        ("person.name.firstName", "person.nam", False),
        ("person.name", "person.nameOfPet", False),
        ("person.name", "name", False),
        ("person.name", "", False),
        ("person.name", "Person.name", False),
        (r"loyalty.a\.b", r"loyalty.a\.b", True),
        (r"loyalty.a\.b", r"loyalty.a\.b.c", True),
        (r"loyalty.a\.b", "loyalty.a.b", False),
        ("loyalty.a.b", r"loyalty.a\.b", False),
    ],
)
def test_a_written_attribute_fires_at_above_and_below_a_mapped_one(mapped: str, written: str, fires: bool) -> None:
    body = event({"attributes": ["unmapped.too", written]}, member("s"))
    decision = decide(mapping("s", attributes=("other", mapped)), body)
    assert decision == (Fired(("attribute",)) if fires else Excluded("no_trigger"))


#: The triggers that can be switched off, and a change that fires every trigger there is.
SWITCHED: tuple[Trigger, ...] = ("segment", "identity", "attribute")
ALL = {
    "segments": [{"id": "s", "from": None, "to": "realized"}],
    "identities": True,
    "attributes": ["a"],
    "backfill": True,
}


def test_the_triggers_that_fired_come_in_their_order() -> None:
    assert decide(mapping("s", attributes=("a",)), event(ALL, member("s"))) == Fired(get_args(Trigger))


@pytest.mark.parametrize("off", [off for count in range(len(SWITCHED) + 1) for off in combinations(SWITCHED, count)])
def test_a_switch_turns_off_its_own_trigger_only(off: tuple[Trigger, ...]) -> None:
    mapped = mapping("s", attributes=("a",), off=off)
    wanted = tuple(trigger for trigger in SWITCHED if trigger not in off)
    assert decide(mapped, event(ALL, member("s"))) == Fired((*wanted, "backfill"))
    without_backfill = event({**ALL, "backfill": False}, member("s"))
    assert decide(mapped, without_backfill) == (Fired(wanted) if wanted else Excluded("switched_off"))


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        ({"segments": ALL["segments"]}, "segment"),
        ({"identities": True}, "identity"),
        ({"attributes": ["a"]}, "attribute"),
    ],
)
def test_a_change_whose_only_trigger_is_off_is_switched_off(changes: dict[str, Any], trigger: Trigger) -> None:
    body = event(changes, member("s"))
    assert isinstance(decide(mapping("s", attributes=("a",)), body), Fired)
    assert decide(mapping("s", attributes=("a",), off=[trigger]), body) == Excluded("switched_off")


@pytest.mark.parametrize(
    ("profile", "passes"),
    [
        (member("s"), True),
        (member("s", status="existing"), True),
        (member("s", status="exited"), False),
        (member("s", status="REALIZED"), False),
        (member("unmapped"), False),
        (member("s", namespace="AAM"), False),
        ({"segmentMembership": {"ups": {"s": {}}}}, False),
        ({"segmentMembership": {"ups": {"s": None}}}, False),
        ({"segmentMembership": {"ups": None}}, False),
        ({"segmentMembership": None}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("changes", [{"identities": ["ecid"]}, {"attributes": ["a"]}, {"backfill": True}])
def test_the_gate_holds_for_all_but_segment(changes: dict[str, Any], profile: dict[str, Any], passes: bool) -> None:
    gated = decide(mapping("s", attributes=("a",)), event(changes, profile))
    assert isinstance(gated, Fired) if passes else gated == Excluded("not_a_member")
    open_to_all = decide(mapping("s", attributes=("a",), require_membership=False), event(changes, profile))
    assert isinstance(open_to_all, Fired)


def test_what_the_gate_refused_is_not_among_the_triggers() -> None:
    leaves = event({"segments": [entry("realized", "exited")], "identities": True}, member("s", status="exited"))
    assert decide(mapping("s"), leaves) == Fired(("segment",))
    assert decide(mapping("s", require_membership=False), leaves) == Fired(("segment", "identity"))


def test_a_trigger_that_is_on_but_refused_makes_it_not_a_member_though_another_is_off() -> None:
    body = event({"segments": [entry("realized", "exited")], "identities": True}, member("s", status="exited"))
    assert decide(mapping("s", off=["segment"]), body) == Excluded("not_a_member")


@pytest.mark.parametrize(
    ("destination", "decision"),
    [
        (None, Fired(("segment",))),
        ("crm", Fired(("segment",))),
        ("CRM", Excluded("other_destination")),
        ("", Excluded("other_destination")),
    ],
)
def test_an_event_for_one_destination_is_taken_by_it_alone(destination: str | None, decision: object) -> None:
    body = event({"segments": [entry(None, "realized")]}, destination=destination)
    assert decide(mapping("s"), body) == decision


def test_another_destination_comes_before_every_other_reason() -> None:
    assert decide(mapping("s"), event({}, destination="other")) == Excluded("other_destination")


@pytest.mark.parametrize("changes", [{}, {"backfill": False}, {"segments": None, "identities": None}])
def test_an_event_that_changes_nothing_is_no_trigger(changes: dict[str, Any]) -> None:
    assert decide(mapping("s", attributes=("a",)), event(changes, member("s"))) == Excluded("no_trigger")


def test_a_destination_that_maps_nothing_never_fires_but_without_the_gate() -> None:
    assert decide(mapping(), event(ALL, member("s"))) == Excluded("not_a_member")
    assert decide(mapping(require_membership=False), event(ALL)) == Fired(("identity", "backfill"))


BROKEN = {"segmentMembership": {"ups": {"s": {"status": 3}}}}


def test_a_wrong_type_in_the_profile_is_malformed_only_where_it_is_read() -> None:
    malformed = Malformed(
        "profile.segmentMembership.ups.s.status",
        "must be a string, not a number",
        "p-1",
        "e-1",
        "profile.segmentMembership.*.*.status",
    )
    assert decide(mapping("s"), event({"identities": True}, BROKEN)) == malformed
    assert decide(mapping("s"), event({}, BROKEN)) == Excluded("no_trigger")
    assert decide(mapping("s", require_membership=False), event({"identities": True}, BROKEN)) == Fired(("identity",))
    assert decide(mapping("s"), event({"segments": [entry(None, "realized")]}, BROKEN)) == Fired(("segment",))


def test_one_compiled_decision_serves_many_changes() -> None:
    decided = compile_triggers(mapping("s"))
    fires = change(event({"segments": [entry(None, "realized")]}))
    quiet = change(event({}))
    assert [decided(found) for found in (fires, quiet, fires)] == [
        Fired(("segment",)),
        Excluded("no_trigger"),
        Fired(("segment",)),
    ]
