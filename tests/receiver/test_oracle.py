"""The oracle finds each breach of the guarantees, and nothing in a sound history."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from records import read_record

from exporter.receiver.oracle import Judgement, State, judge
from exporter.receiver.reception import Reception

A1, A2, A3 = (State("a", number) for number in (1, 2, 3))
B1 = State("b", 1)


def request(state: State | None, arrived: int, status: int = 200, **other: object) -> Reception:
    """One request that holds ``state``; it ends right after it came, unless told otherwise."""
    values: dict[str, object] = {
        "at": float(arrived),
        "until": float(arrived),
        "arrived": arrived,
        "ended": arrived + 1,
        "method": "POST",
        "path": "/profiles",
        "query": "",
        "idempotency_key": f"d:{state}",
        "exporter_position": None,
        "headers": {},
        "authorized": None,
        "status": status,
        "answered": True,
        "body": b"{}" if state is None else f"{state.profile} {state.sequence}".encode(),
    }
    return Reception(**{**values, **other})  # type: ignore[arg-type]


def identify(reception: Reception) -> State | None:
    if reception.body == b"{}":
        return None
    profile, sequence = reception.body.decode().split()
    return State(profile, int(sequence))


def verdict(sent: list[State], received: list[Reception], dead: list[State] | None = None) -> Judgement:
    random.Random(1).shuffle(received)  # a record is in the order of the ends, not of the arrivals
    return judge(sent, received, dead or [], identify=identify)


SOUND = [
    request(A1, 10, 503),
    request(B1, 12),
    request(A1, 14),
    request(A2, 20, answered=False),
    request(A2, 30),
    request(A3, 40),
]


def test_a_sound_history() -> None:
    found = verdict([A1, A2, A3, B1], list(SOUND))

    assert found.sound
    assert (found.sent, found.delivered, found.dead_lettered, found.duplicates) == (4, 4, 0, 0)
    assert found.after_no_answer == 1
    assert "lost 0" in str(found)


def test_lost_and_dead_lettered_and_both() -> None:
    found = verdict([A1, A2, A3, B1], [request(A1, 1), request(A2, 3, 503), request(B1, 5)], [A2, B1])

    assert found.lost == (A3,)
    assert found.both == (B1,)
    assert not found.sound


def test_accepted_without_an_answer_is_lost() -> None:
    assert verdict([A1], [request(A1, 1, answered=False)]).lost == (A1,)


def test_unexpected() -> None:
    found = verdict([A1], [request(A1, 1), request(A2, 3)], [B1])

    assert found.unexpected == (A2, B1)
    assert not found.sound


def test_duplicates_under_the_same_key_are_counted_and_sound() -> None:
    found = verdict([A1], [request(A1, 1), request(A1, 3), request(A1, 5, 503)])

    assert (found.duplicates, found.rekeyed, found.sound) == (2, (), True)


def test_a_second_delivery_under_another_key() -> None:
    found = verdict([A1], [request(A1, 1), request(A1, 3, idempotency_key="other")])

    assert found.rekeyed == (A1,)
    assert not found.sound


def test_overtaken_is_judged_on_first_deliveries() -> None:
    repeated = verdict([A1, A2], [request(A1, 1), request(A2, 3), request(A1, 5)])
    overtaken = verdict([A1, A2], [request(A1, 1, 503), request(A2, 3), request(A1, 5)])

    assert (repeated.overtaken, repeated.duplicates) == ((), 1)
    assert overtaken.overtaken == ((A1, A2),)
    assert not overtaken.sound


def test_every_state_that_was_overtaken_is_found() -> None:
    assert verdict([A1, A2, A3], [request(A3, 1), request(A1, 3), request(A2, 5)]).overtaken == ((A1, A3), (A2, A3))


@pytest.mark.parametrize(
    ("first", "second", "concurrent"),
    [
        pytest.param(request(A1, 1, ended=5), request(A2, 3), True, id="two states"),
        pytest.param(request(A1, 1, ended=5), request(A1, 3), True, id="one state twice"),
        pytest.param(request(A1, 1, 503, ended=5), request(A2, 3), True, id="whatever was answered"),
        pytest.param(request(A1, 1, ended=2), request(A2, 3), False, id="one after the other"),
        pytest.param(request(A1, 1, ended=5), request(B1, 3), False, id="two profiles"),
        pytest.param(request(A1, 1, ended=5, answered=False), request(A2, 3), False, id="given up"),
    ],
)
def test_concurrency_within_a_profile(first: Reception, second: Reception, concurrent: bool) -> None:
    found = verdict([A1, A2, B1], [first, second])

    assert bool(found.concurrent) is concurrent
    assert found.sound is False or not concurrent


def test_a_long_request_is_concurrent_with_all_within_it() -> None:
    found = verdict([A1, A2, A3], [request(A1, 1, ended=20), request(A2, 3), request(A3, 5)])

    assert found.concurrent == ((A1, A2), (A1, A3))


def test_requests_without_a_state_or_key_are_left_out() -> None:
    nameless = [request(None, 1), request(A1, 3, idempotency_key=None), request(A1, 5, idempotency_key=None)]

    found = verdict([A1], nameless)

    assert (found.delivered, found.duplicates, found.after_no_answer) == (1, 0, 0)


def test_a_record_says_the_same_as_what_it_was_made_from() -> None:
    record = b"".join(reception.line() for reception in SOUND) + b'{"at": 1, "cut o'

    read = list(read_record(record.splitlines(keepends=True)))

    assert [(one.arrived, one.body) for one in read] == [(one.arrived, one.body) for one in SOUND]
    assert verdict([A1, A2, A3, B1], read) == verdict([A1, A2, A3, B1], list(SOUND))
    assert replace(read[0], body=b"").answered
