"""Numbered publishing on a log of several lanes, whose calls are cut off anywhere, driven by Hypothesis."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.queues.numbered import NumberedPublishing, number_in, stamp
from exporter.queues.port import EventTooLarge, Numbered, Outgoing, QueueUnavailable

_LANES = 3


class Log:
    """Each lane takes a beginning of what a call has for that lane: all of it, or as much as ``cut`` says."""

    def __init__(self) -> None:
        self.lanes: list[list[str]] = [[] for _ in range(_LANES)]
        self.cut: Sequence[int] | None = None
        self.looks = 0

    async def look_back(self, numbered: Numbered) -> Collection[int]:
        self.looks += 1
        found = [number_in(text, numbered.producer) for lane in self.lanes for text in lane]
        return [number for number in found if number is not None and number >= numbered.first]

    async def publish(self, messages: Sequence[Outgoing], stamps: Sequence[str]) -> int:
        for lane in range(_LANES):
            mine = [text for message, text in zip(messages, stamps, strict=True) if int(message.key or 0) == lane]
            self.lanes[lane] += mine if self.cut is None else mine[: self.cut[lane]]
        cut, self.cut = self.cut, None
        if cut is not None:
            raise QueueUnavailable("cut off")
        return 0


def message(number: int) -> Outgoing:
    return Outgoing(str(number * number % 7 % _LANES), b"")


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.none() | st.tuples(*[st.integers(0, 4)] * _LANES),
            st.sampled_from(["goes on", "goes on", "starts again"]),
        ),
        max_size=30,
    )
)
def test_every_number_is_there_once_and_in_order_however_calls_are_cut(
    calls: list[tuple[int, tuple[int, ...] | None, str]],
) -> None:
    log = Log()

    async def run() -> int:
        publishing = NumberedPublishing(log.look_back, log.publish)
        known = 0
        for count, cut, then in [*calls, (9, None, "")]:
            log.cut = cut
            first = known + 1
            messages = [message(number) for number in range(first, first + count)]
            try:
                await publishing.publish(messages, Numbered("outbox", first, 0.0))
            except QueueUnavailable:
                pass
            else:
                known += count if then != "starts again" else 0  # killed before it noted the end of the call
            log.cut = None
            if then == "starts again":
                publishing = NumberedPublishing(log.look_back, log.publish)
        return known

    known = asyncio.run(run())
    numbers = [[number_in(text, "outbox") or 0 for text in lane] for lane in log.lanes]
    assert all(lane == sorted(lane) for lane in numbers)
    found = sorted(number for lane in numbers for number in lane)
    assert len(found) == len(set(found))
    assert set(range(1, known + 1)) <= set(found)


async def test_the_log_is_looked_at_once_and_again_after_a_failure() -> None:
    log = Log()
    publishing = NumberedPublishing(log.look_back, log.publish)
    for first in (1, 4, 7):
        await publishing.publish([message(first)] * 3, Numbered("outbox", first, 0.0))
    assert log.looks == 1
    log.cut = (0, 0, 0)
    with pytest.raises(QueueUnavailable):
        await publishing.publish([message(10)], Numbered("outbox", 10, 0.0))
    for first in (10, 11):
        await publishing.publish([message(first)], Numbered("outbox", first, 0.0))
    assert log.looks == 2
    await publishing.publish([message(1)], Numbered("another", 1, 0.0))
    assert log.looks == 3


async def test_what_is_too_large_is_told_by_its_index_in_the_call_and_counts_as_published() -> None:
    async def look_back(_: Numbered) -> Collection[int]:
        return {1, 3}

    async def publish(messages: Sequence[Outgoing], stamps: Sequence[str]) -> int:
        published.extend(stamps)
        if len(published) == len(messages):
            raise EventTooLarge("too large", [1])
        return 1

    published: list[str] = []
    publishing = NumberedPublishing(look_back, publish)
    with pytest.raises(EventTooLarge) as refused:
        await publishing.publish([message(number) for number in range(1, 6)], Numbered("o", 1, 0.0))
    assert list(refused.value.indexes) == [3]
    assert published == ["o:2", "o:4", "o:5"]
    left_out = await publishing.publish([message(number) for number in range(1, 7)], Numbered("o", 1, 0.0))
    assert left_out == 5 + 1  # which the log has left out by itself
    assert published[3:] == ["o:6"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("outbox:7", 7), ("other:7", None), ("outbox", None), ("", None), ("outbox:", None), ("outbox:x", None)],
)
def test_a_stamp_is_read_by_its_own_producer_alone(text: str, number: int | None) -> None:
    assert number_in(text, "outbox") == number


def test_a_producer_may_have_a_colon_in_its_name() -> None:
    assert number_in(stamp("a:1", 2), "a:1") == 2
    assert number_in(stamp("a:1", 2), "a") is None
