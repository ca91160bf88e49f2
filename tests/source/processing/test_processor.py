"""The processor on a real store and a real state: bad records are kept, the others applied once, whatever is away."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from processing_parts import CHANCES, DECLARED, INLET, catalogue, taken

from exporter.messages.message import Message
from exporter.queues.memory import MemoryQueue, open_memory
from exporter.queues.port import Batch, Outgoing, QueueUnavailable
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.letters import Letters
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.processor import NO_ROOM, Processor
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity
from exporter.state.bad_record import BadRecordFilter
from exporter.state.bad_records import BadRecords
from exporter.state.sqlite.opening import open_sqlite as open_state

CATALOGUE = catalogue()


class Parts:
    """What a processor works with; its delays are none."""

    def __init__(self, queue: MemoryQueue, subscription: Any, store: ProfileStore, records: BadRecords) -> None:
        self.queue = queue
        self.subscription = subscription
        self.store = store
        self.records = records
        self.catalogue = CATALOGUE
        self.became: Counter[str] = Counter()
        self.bugs: list[Exception] = []
        self.warned: list[tuple[str, str]] = []

    def processor(self, *, letters_max_bytes: int = 10**9, max_event_bytes: int = 10**6) -> Processor:
        listeners = Listeners(
            lambda flow, outcome, count: self.became.update({f"{flow} {outcome}": count}),
            lambda flow, count: None,
            self.bugs.append,
            lambda: None,
            lambda flow, kinds: self.warned.extend((flow, kind) for kind in kinds),
        )
        return Processor(
            self.queue,
            self.subscription,
            self.store,
            Letters(self.records, letters_max_bytes, lambda inlet: f"source of {inlet[:2]}", lambda: 9.0),
            lambda: self.catalogue,
            CHANCES,
            max_event_bytes,
            10**9,
            lambda _: 0.01,
            listeners,
        )

    async def publish(self, *bodies: object) -> None:
        for at, each in enumerate(bodies, 1):
            message = each if isinstance(each, bytes) else taken(each, at=at).to_bytes()
            await self.queue.publish([Outgoing(INLET, message)])

    async def run(self, processor: Processor, until: Callable[[], bool]) -> None:
        """Run until so."""
        running = asyncio.create_task(processor.run())
        async with asyncio.timeout(30):
            while not until():
                assert not running.done(), running.exception()
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])

    async def reasons(self) -> list[tuple[str, str]]:
        return [(each.name, each.reason) for each in await self.records.page(BadRecordFilter(), limit=100)]

    async def counted(self) -> dict[str, int]:
        return {each.outcome: each.records for each in await self.store.runs(0, None, 100)}

    async def told(self) -> int:
        return len(await self.store.told(0, 1000, 10**9))


@asynccontextmanager
async def opened(folder: Path, rules: Rules = Rules()) -> AsyncIterator[Parts]:  # noqa: B008 (frozen)
    async with (
        open_memory(max_bytes=10**9, groups={"g"}, warn=pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
        open_sqlite(folder / "profiles.db", rules) as store,
        open_state(folder / "state.db") as state,
    ):
        await state.bad_records.open()
        yield Parts(queue, subscription, store, state.bad_records)


async def test_bad_records_are_kept_and_the_others_applied(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish({"id": "a"}, {"n": 1}, b"none of ours", {"id": "b"})
        await parts.run(parts.processor(), lambda: parts.became.total() == 4)
        assert parts.became == {"raw applied": 2, "raw bad": 1, " bad": 1}
        assert await parts.reasons() == [("2:0:0", "no_primary_identity"), ("0-3", "bug")]
        assert await parts.told() == 2


async def test_what_is_worth_a_note_in_a_good_record_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        entity = {"key": "a", "identityMap": {"Other": [{"id": "b", "primary": True}]}}
        message = taken({"header": {}, "body": {"xdmEntity": entity}}, flow="plain", form=Form.XDM)
        await parts.publish(message.to_bytes())
        await parts.run(parts.processor(), lambda: parts.became.total() == 1)
        assert parts.became == {"plain applied": 1}
        assert parts.warned == [("plain", "primaries")]


async def test_what_the_store_refuses_is_a_bad_record_and_harms_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish({"id": "a"}, {"id": "b", "tags": ["x" * 2000]}, {"id": "c"})
        await parts.run(parts.processor(max_event_bytes=1000), lambda: parts.became.total() == 3)
        assert parts.became == {"raw applied": 2, "raw bad": 1}
        assert await parts.reasons() == [("2:0:0", "too_large")]


@pytest.mark.parametrize(
    ("body", "reason", "sentence"),
    [
        ({"id": "N/A "}, "no_primary_identity", r"its primary identity is one of identities\.ignore"),
        (
            {"id": "b", "tags": ["x" * 2000]},
            "too_large",
            r"its event would have 2\d{3} bytes; max_event_bytes, or what the queue takes, is 1000",
        ),
    ],
)
async def test_what_the_store_refuses_says_why(tmp_path: Path, body: object, reason: str, sentence: str) -> None:
    async with opened(tmp_path, Rules(ignore=frozenset({"n/a"}))) as parts:
        await parts.publish(body)
        await parts.run(parts.processor(max_event_bytes=1000), lambda: parts.became.total() == 1)
        record = await parts.records.record("1:0:0")
        assert record is not None
        assert record.reason == reason
        assert re.fullmatch(sentence, record.detail)
        assert [each["message"] for each in json.loads(record.violations)] == [record.detail]


async def test_an_error_of_ours_costs_the_record_that_meets_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as parts:
        apply = type(parts.store).apply

        async def fails(store: Any, steps: Any, *more: Any) -> Any:
            if any(step.primary.id == "b" for step in steps):
                raise ZeroDivisionError
            return await apply(store, steps, *more)

        monkeypatch.setattr(type(parts.store), "apply", fails)
        await parts.publish({"id": "a"}, {"id": "b"}, {"id": "c"})
        await parts.run(parts.processor(), lambda: parts.became.total() == 3)
        assert parts.became == {"raw applied": 2, "raw bad": 1}
        assert await parts.reasons() == [("2:0:0", "bug")]
        assert [type(bug) for bug in parts.bugs] == [ZeroDivisionError]


async def test_a_full_store_of_bad_records_holds_the_lane(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish({"n": 1})
        await parts.run(parts.processor(), lambda: parts.became.total() == 1)
        bodies = enumerate(({"id": "z"}, {"n": 2}, {"id": "a"}), 5)
        await parts.publish(*[taken(each, at=at).to_bytes() for at, each in bodies])
        processor = parts.processor(letters_max_bytes=1)
        held: list[tuple[int, int]] = []

        async def make_room() -> None:
            while processor.failure != NO_ROOM:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.005)
            held.append((parts.became.total(), await parts.told()))
            await parts.records.purge(BadRecordFilter())

        room = asyncio.create_task(make_room())
        await parts.run(processor, lambda: parts.became.total() == 4)
        await room
        assert held == [(2, 1)], "what stands before it needs no room"
        assert await parts.told() == 2


async def test_what_waits_for_room_goes_by_the_mapping_that_is_in_force_by_then(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish(*[{"n": n} for n in range(4)])
        processor = parts.processor(letters_max_bytes=1)

        async def mend() -> None:
            while processor.failure != NO_ROOM:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.005)
            by_number = {"id": "m", "schema": "s", "mappings": {"key": "concat('n', n)", "n": "n"}}
            parts.catalogue = catalogue({**DECLARED, "mappings": [by_number]})

        mending = asyncio.create_task(mend())
        await parts.run(processor, lambda: parts.became.total() == 4)
        await mending
        assert (parts.became, len(await parts.reasons())) == ({"raw applied": 3, "raw bad": 1}, 1)
        assert processor.failure is None


@pytest.mark.parametrize("room", [1, 1100], ids=["for none", "for two"])
async def test_bad_records_without_room_together_are_kept_one_after_the_other_as_others_are_purged(
    tmp_path: Path, room: int
) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish({"id": "z"}, *[{"n": n} for n in range(6)], {"id": "a"})
        processor = parts.processor(letters_max_bytes=room)
        purged: list[str] = []

        async def purge() -> None:
            while True:
                await asyncio.sleep(0.005)
                names = tuple(name for name, _ in await parts.reasons())
                if processor.failure == NO_ROOM and names:
                    purged.extend(names)
                    await parts.records.purge(BadRecordFilter(names=names))

        purging = asyncio.create_task(purge())
        await parts.run(processor, lambda: parts.became.total() == 8)
        purging.cancel()
        left = [name for name, _ in await parts.reasons()]
        assert purged + left == [f"{at}:0:0" for at in range(2, 8)], "each was there, and once"
        assert (await parts.told(), processor.failure) == (2, None)


async def test_an_intake_that_is_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as parts:
        receive = parts.subscription.receive
        away = [QueueUnavailable("it is away")] * 3

        async def receives(limit: int) -> Any:
            if away:
                raise away.pop()
            return await receive(limit)

        monkeypatch.setattr(parts.subscription, "receive", receives)
        await parts.publish({"id": "a"})
        processor = parts.processor()
        await parts.run(processor, lambda: parts.became.total() == 1)
        assert processor.failure is None


async def test_an_intake_that_was_away_is_asked_before_it_is_read_and_works_again_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a journal that was lost and is back: nothing is read before it was asked."""
    async with opened(tmp_path) as parts:
        receive = parts.subscription.receive
        answers: list[QueueUnavailable | None] = [QueueUnavailable("it is still away"), None]
        seen: list[str | None] = []

        async def receives(limit: int) -> Any:
            if answers:
                raise QueueUnavailable("it is away")
            seen.append(processor.failure)
            return await receive(limit)

        async def check() -> None:
            if (answer := answers.pop(0)) is not None:
                raise answer

        monkeypatch.setattr(parts.subscription, "receive", receives)
        monkeypatch.setattr(parts.queue, "check", check)
        processor = parts.processor()
        await parts.run(processor, lambda: bool(seen))
        assert (seen, processor.failure) == ([None], None)


async def test_a_replay_that_is_applied_takes_its_letter_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.publish({"n": 1})
        await parts.run(parts.processor(), lambda: parts.became.total() == 1)
        assert await parts.reasons() == [("1:0:0", "no_primary_identity")]
        assert await parts.counted() == {"no_primary_identity": 1}
        # A replay, mended: of the same name. Its place is behind.
        await parts.queue.publish([Outgoing(INLET, TakenRecord.put_again(taken({"id": "a"}, at=1).to_bytes()))])
        await parts.run(parts.processor(), lambda: parts.became.total() == 2)
        assert await parts.reasons() == []
        assert await parts.told() == 1
        assert await parts.counted() == {"created": 1}


async def test_each_record_is_counted_once_although_the_process_ends_between_letter_and_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Ends the task as a signal ends the process."""

    async with opened(tmp_path) as parts:
        await parts.publish({"id": "a"}, {"n": 1}, {"id": "b"})
        apply = type(parts.store).apply

        async def ends(*_: Any) -> Any:
            raise Killed

        monkeypatch.setattr(type(parts.store), "apply", ends)
        with pytest.raises(Killed):
            await parts.processor().run()
        assert await parts.reasons() == [("2:0:0", "no_primary_identity")]
        assert await parts.counted() == {}
        monkeypatch.setattr(type(parts.store), "apply", apply)
        # As the queue delivers what was not settled, to the process that comes after.
        bodies = ({"id": "a"}, {"n": 1}, {"id": "b"})
        parts.subscription = offsets = Offsets(*bodies)
        await parts.run(parts.processor(), lambda: len(offsets.settled) == 3)
        assert await parts.counted() == {"created": 2, "no_primary_identity": 1}


class Offsets:
    """A subscription to a partition, whose first record has the offset 0."""

    def __init__(self, *bodies: object) -> None:
        records = [taken(each, at=at).to_bytes() for at, each in enumerate(bodies, 1)]
        self.batches = [Batch([Message("0", offset, body, 0.0) for offset, body in enumerate(records)])]
        self.settled: list[int] = []

    async def receive(self, limit: int) -> Batch:
        assert limit > 0
        if not self.batches:
            await asyncio.Event().wait()
        return self.batches.pop()

    def settle(self, message: Message) -> None:
        self.settled.append(message.position)


async def test_the_first_offset_of_a_partition_is_applied_and_not_taken_for_an_applied_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        for _ in range(2):  # what comes again is passed over
            parts.subscription = offsets = Offsets({"id": "a"}, {"id": "b"})
            await parts.run(parts.processor(), partial(_all_settled, offsets))
            assert parts.became == {"raw applied": 2}
            assert await parts.store.marks(parts.queue.name) == {"0": 1}
        assert await parts.told() == 2


def _all_settled(offsets: Offsets) -> bool:
    return offsets.settled == [0, 1]


async def test_a_wish_is_applied_in_its_turn(tmp_path: Path) -> None:
    """It takes what stands before it, bad records included, and leaves what stands behind."""
    a, b = Identity("key", "a"), Identity("key", "b")
    wish = Wish(WishKind.DELETE, "3:0:0", 3, "key", "a")
    async with opened(tmp_path) as parts:
        bad = {"id": "a", "tags": ["x" * 2000]}
        await parts.publish({"id": "a"}, bad, wish.to_bytes(), {"id": "b"}, bad, wish.to_bytes()[:-1])
        await parts.run(parts.processor(max_event_bytes=1000), lambda: parts.became.total() == 5)
        assert await parts.reasons() == [("5:0:0", "too_large"), ("0-6", "bug")]
        assert await parts.store.profile(a, 9) is None
        assert await parts.store.profile(b, 9) is not None
        assert parts.became == {"raw applied": 2, "raw bad": 2, " bad": 1}
        # The same deletion again, from a former life of the process, changes nothing that came since.
        await parts.queue.publish([Outgoing(INLET, taken({"id": "a"}, at=7).to_bytes()), Outgoing("", wish.to_bytes())])
        await parts.queue.publish([Outgoing(INLET, taken({"id": "c"}, at=8).to_bytes())])
        await parts.run(parts.processor(), lambda: parts.became["raw applied"] == 4)
        assert await parts.store.profile(a, 9) is not None


async def test_a_wish_that_stands_there_again_tells_under_another_id(tmp_path: Path) -> None:
    def together(at: int) -> bytes:
        entity = {"key": "a", "identityMap": {"Other": [{"id": "b"}]}}
        record = taken({"header": {}, "body": {"xdmEntity": entity}}, flow="plain", form=Form.XDM, at=at)
        return record.to_bytes()

    unlinking = Wish(WishKind.UNLINK, "2:0:0", 2, "key", "a").to_bytes()
    again = Wish.put_again(unlinking)
    assert again is not None
    async with opened(tmp_path) as parts:
        await parts.publish(together(1), unlinking, together(3), again)
        await parts.run(parts.processor(), lambda: parts.subscription.lag().messages == 0)
        ids = [json.loads(each.body)["id"] for each in await parts.store.told(0, 100, 10**9)]
        assert ids == ["1:0:0", "2:0:0", "2:0:0:1", "3:0:0", "2:0:0:again:0-4", "2:0:0:again:0-4:1"]
