"""Events that are told from memory: those that the outbox has, with their numbers, and never others."""

from __future__ import annotations

import pytest

from exporter.source.profiles.merge.steps import Event
from exporter.source.profiles.port import Told
from exporter.source.profiles.sqlite import fresh
from exporter.source.profiles.sqlite.fresh import Fresh

ROOM = 1 << 30


def events(*numbers: int) -> list[Event]:
    return [Event(f"p-{number}", b"%04d" % number) for number in numbers]


def numbers(found: list[Told]) -> list[int]:
    assert all(each.body == b"%04d" % each.number and each.producer == "me" for each in found)
    return [each.number for each in found]


@pytest.fixture
def held() -> Fresh:
    """Of two transactions in a store that has told six before."""
    found = Fresh("me")
    found.committed(7, events(7, 8, 9))
    found.committed(10, events(10, 11))
    return found


@pytest.mark.parametrize(
    ("after", "limit", "max_bytes", "told"),
    [
        (6, 100, ROOM, [7, 8, 9, 10, 11]),
        (8, 2, ROOM, [9, 10]),
        (6, 100, 7, [7, 8]),
        (6, 100, 1, [7]),
        (10, 100, ROOM, [11]),
        (11, 100, ROOM, []),
        (5, 100, ROOM, []),
        (0, 100, ROOM, []),
    ],
)
def test_those_that_follow_are_told(held: Fresh, after: int, limit: int, max_bytes: int, told: list[int]) -> None:
    assert numbers(held.told(after, limit, max_bytes)) == told


def test_what_is_deleted_is_told_no_more(held: Fresh) -> None:
    held.deleted(8)
    held.deleted(7)
    assert numbers(held.told(7, 100, ROOM)) == []
    assert numbers(held.told(8, 100, ROOM)) == [9, 10, 11]
    held.deleted(100)
    assert numbers(held.told(8, 100, ROOM)) == numbers(held.told(11, 100, ROOM)) == []
    held.committed(12, events(12))
    assert numbers(held.told(11, 100, ROOM)) == [12]


def test_what_others_told_in_between_is_not_left_out(held: Fresh) -> None:
    held.committed(15, events(15, 16))
    assert numbers(held.told(6, 100, ROOM)) == []
    assert numbers(held.told(14, 100, ROOM)) == [15, 16]
    held.forget()
    assert numbers(held.told(14, 100, ROOM)) == []


def test_no_more_is_held_than_there_is_room_for(held: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "_HELD_BYTES", 28)
    held.committed(12, events(12, 13))
    assert len(held.told(6, 100, ROOM)) == 7
    held.deleted(7)
    held.committed(14, events(14))
    assert len(held.told(7, 100, ROOM)) == 7
    held.committed(15, events(15))
    assert numbers(held.told(7, 100, ROOM)) == []
    assert numbers(held.told(14, 100, ROOM)) == [15]
