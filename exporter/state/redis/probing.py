"""Whether Redis can be used for all that the state does there: everything is done once, under separate keys."""

from __future__ import annotations

import time
from uuid import uuid4

from exporter.state.bad_record import (
    BadReason,
    BadRecordFilter,
    NewBadRecord,
    StorableBadRecord,
    storable_bad_record,
)
from exporter.state.letter import Filter, NewLetter, StorableLetter, storable_letter
from exporter.state.made_objects import MadeObject
from exporter.state.redis.bad_records import RedisBadRecordStore
from exporter.state.redis.interventions import RedisInterventions
from exporter.state.redis.letter_store import RedisLetterStore
from exporter.state.redis.made_ids import RedisMadeIds
from exporter.state.redis.made_objects import RedisMadeObjects
from exporter.state.redis.mapping_times import RedisMappingTimes
from exporter.state.redis.server import Server

_TRIED = "tried"
_IN_SCRIPTS: tuple[tuple[str, ...], ...] = (
    ("HSET", "field", "1"),
    ("HGET", "field"),
    ("HMGET", "field"),
    ("HGETALL",),
    ("HINCRBY", "field", "1"),
    ("HSTRLEN", "field"),
    ("HDEL", "field"),
    ("ZADD", "0", "member"),
    ("ZRANGEBYSCORE", "-inf", "+inf"),
    ("ZRANGEBYLEX", "-", "+"),
    ("ZREM", "member"),
)
_KEYS = (
    _TRIED,
    "meta",
    "ids",
    "ids:check",
    "places:5:check:check",
    "highest:check",
    "readers:check",
    "current:check",
    "asked:check",
    "asked-lanes:check",
    "asking",
    "totals",
    "mapping-times:check",
    "interventions",
    "bad-ids",
    "bad-newest",
    "bad-refused",
    "bad-names",
    "bad-totals",
    "made-ids",
    "made-objects",
)


async def try_all(server: Server, prefix: str) -> None:
    """Store, mark, replay and delete letters under separate keys, deleted afterwards.

    Raises:
        StateUnavailable: with what Redis refused.
    """
    own = f"{prefix}check:{uuid4().hex}:"
    letters = RedisLetterStore(server, own)
    try:
        # Commands that only scripts use: Redis does not say which command of a script is not permitted.
        for command in _IN_SCRIPTS:
            await server.call(command[0], f"{own}{_TRIED}", *command[1:])
        await server.call("TIME")
        await letters.begin("check", "check", "check")
        await letters.put("check", "check", [_letter()], [], 1 << 20, {"check": "check"})
        [letter_id] = await letters.ask(Filter(), superseded=True)
        await letters.survey("check", 0)
        await letters.survey("check", 1)
        await letters.asked_lanes("check")
        await letters.requested("check", ["check"], (), 1)
        await letters.replays([letter_id])
        await letters.kept("check", "check", [1])
        await letters.failed("check", letter_id, _letter())
        await letters.put("check", "check", [], [("check", "check", 2)], 1 << 20, {})
        await letters.letter(letter_id)
        await letters.count(Filter())
        await letters.overview()
        await letters.probe("check", 1)
        await letters.purge(Filter())
        await RedisMappingTimes(server, own).first_seen("check", [("check", "check")], 0)
        bad_records = RedisBadRecordStore(server, own)
        await bad_records.keep([_bad_record("xdm")], 1 << 20)
        await bad_records.remember([_bad_record("batch_message")], 1 << 20)
        await bad_records.page(BadRecordFilter(), None, 1, newest_first=True)
        await bad_records.record("check")
        await bad_records.delete(["check"])
        interventions = RedisInterventions(server, own)
        await interventions.probe("check")
        await interventions.all()
        await interventions.forget("check")
        await RedisMadeIds(server, own).settled({"check": "check"})
        objects = RedisMadeObjects(server, own)
        await objects.write([MadeObject("check", "check", b"")], [("check", "other")], await objects.revision())
        await objects.all()
    finally:
        await server.call("DEL", *(f"{own}{key}" for key in _KEYS))


def _letter() -> StorableLetter:
    now = time.time()
    letter = NewLetter(
        group="check",
        lane="check",
        position=1,
        destination="check",
        profile_id="check",
        event_id="check",
        body=b"",
        reason="bug",
        detail="",
        status=None,
        attempts=0,
        first_at=now,
        at=now,
    )
    return storable_letter(letter)


def _bad_record(reason: BadReason) -> StorableBadRecord:
    record = NewBadRecord(
        name="check",
        inlet="check",
        source="check",
        flow="check",
        dataset="check",
        reason=reason,
        detail="",
        taken=0,
        kept=0,
        message=b"",
    )
    return storable_bad_record(record)
