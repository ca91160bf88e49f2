"""Work that a queue needs as long as it is used: however it ends, somebody hears of it."""

from __future__ import annotations

import asyncio

import pytest

from exporter.tasks import background as module
from exporter.tasks.background import for_ever, in_background
from exporter.tasks.lifetimes import EndedByItself


async def fails() -> None:
    await asyncio.sleep(0)
    raise KeyError("injected")


async def returns() -> None:
    await asyncio.sleep(0)


async def is_cancelled_by_somebody_else() -> None:
    """As where a library cancels a future of its own, and lets that out."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def lives() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("work", "kind"), [(fails, KeyError), (returns, EndedByItself), (is_cancelled_by_somebody_else, EndedByItself)]
)
async def test_however_work_ends_the_body_ends_and_says_why(work: module.Work, kind: type[Exception]) -> None:
    with pytest.raises(ExceptionGroup) as failure:
        async with asyncio.timeout(10), in_background(lives, work):
            await asyncio.Event().wait()
    assert [type(each) for each in failure.value.exceptions] == [kind]


async def test_the_end_of_the_body_ends_the_work_and_its_error_comes_through() -> None:
    ended = asyncio.Event()

    async def until_the_end() -> None:
        try:
            await lives()
        finally:
            ended.set()

    async with in_background(until_the_end):
        await asyncio.sleep(0)
    assert ended.is_set()
    with pytest.raises(ValueError, match="the body's"):
        async with in_background(until_the_end):
            raise ValueError("the body's")


async def test_a_cancellation_of_the_body_is_that() -> None:
    async def body() -> None:
        async with in_background(lives):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(body())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("work", [fails, returns, is_cancelled_by_somebody_else])
async def test_what_nobody_waits_for_begins_anew_and_says_so(
    work: module.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANEW_SECONDS", 0.0)
    said: list[str] = []
    thrice = asyncio.Event()

    def warn(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            thrice.set()

    running = asyncio.ensure_future(for_ever(work, warn))
    async with asyncio.timeout(10):
        await thrice.wait()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert all(work.__qualname__ in text and "injected" not in text for text in said)
