"""What is said of bugs: their type and origin, and never their text, which may quote a profile."""

from __future__ import annotations

import asyncio
import gc
import io
import re
import threading

import orjson

from exporter.daemon.failures import kept, loop_heard, threads_heard, told, trace
from exporter.tasks.lifetimes import EndedByItself
from exporter.telemetry.logs import configure


def failed(error: Exception) -> Exception:
    try:
        raise error
    except Exception as raised:
        return raised


def test_causes_are_told_by_type_and_origin() -> None:
    group = ExceptionGroup("g", [ExceptionGroup("h", [failed(LookupError("Ulm"))]), failed(PermissionError(13, "No"))])
    assert re.fullmatch(
        r"LookupError at test_failures\.py:\d+, PermissionError at test_failures\.py:\d+: No", told(group)
    )
    assert told(EndedByItself("the intake ended by itself")) == "the intake ended by itself"
    [call] = trace(group)
    assert re.fullmatch(r"test_failures\.py:\d+ failed", call)


async def test_what_is_kept_begins_anew_after_growing_waits() -> None:
    stream = io.StringIO()
    begun = 0
    third = asyncio.Event()
    waits: list[int] = []

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise LookupError("Ulm")
        third.set()
        await asyncio.Event().wait()

    def delay(tries: int) -> float:
        waits.append(tries)
        return 0.0

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(kept("work", work, delay, configure(stream, tty=False)))
        await third.wait()
        keeping.cancel()
    assert waits == [0, 1]
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["task"], line["level"]) for line in lines] == [("task failed", "work", "error")] * 2
    assert "Ulm" not in stream.getvalue()


def test_a_thread_that_fails_is_one_line() -> None:
    def fail() -> None:
        raise LookupError("Ulm")

    stream = io.StringIO()
    before = threading.excepthook
    with threads_heard(configure(stream, tty=False)):
        thread = threading.Thread(target=fail, name="resolver x")
        thread.start()
        thread.join()
    assert threading.excepthook is before
    [line] = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["event"], line["thread"]) == ("thread failed", "resolver x")
    assert re.fullmatch(r"LookupError at test_failures\.py:\d+", line["detail"])


async def test_what_the_event_loop_could_tell_nobody_is_told_without_its_data() -> None:
    def fails(_data: bytes) -> None:
        raise LookupError("Ulm")

    async def forgotten() -> None:
        fails(b"ada@example.com")

    stream = io.StringIO()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_heard(configure(stream, tty=False)))
    loop.call_soon(fails, b"ada@example.com")
    task = loop.create_task(forgotten())
    await asyncio.wait([task])
    del task
    gc.collect()
    loop.call_exception_handler({"message": "Unclosed connection"})
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["event"] for line in lines} == {"event loop"}
    assert [line["detail"].split(" at ")[0] for line in lines] == ["LookupError", "LookupError", "Unclosed connection"]
    assert not any(data in stream.getvalue() for data in ("Ulm", "ada@"))
