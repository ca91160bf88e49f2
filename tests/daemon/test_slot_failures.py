"""What is said of a dataflow that ended by a bug."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from exporter.daemon.slots import slot as slots
from exporter.daemon.slots.slot import Slot
from exporter.dataflow.dependencies import Clock
from exporter.telemetry.metrics import Metrics


class _Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.told: list[tuple[str, object]] = []
        self.said = asyncio.Event()

    def bind(self, **_: object) -> _Log:
        return self

    def error(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})
        self.said.set()

    def warning(self, event: str, **fields: object) -> None:
        self.told.append((event, fields["reason"]))

    info = warning


class _Shared:
    def __init__(self) -> None:
        self.log = _Log()
        self.metrics = Metrics()
        self.clock = Clock(time.monotonic, time.time)

    def wait_delay(self, _: int) -> float:
        return 60.0


class _Named:
    name = "crm"


class _Flow:
    async def run(self) -> bool:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(self._inner())
        return True

    async def _inner(self) -> None:
        async with asyncio.TaskGroup() as inner:
            inner.create_task(self._fail())

    async def _fail(self) -> None:
        raise LookupError("of a person who lives in Ulm")

    def obey(self, _: object) -> None: ...

    def stop(self, _: float) -> None: ...

    def let_go(self) -> None: ...


async def test_a_bug_in_a_task_is_named_by_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[_Flow]:
        yield _Flow()

    monkeypatch.setattr(slots, "open_dataflow", opened)
    shared = _Shared()
    slot = Slot(cast(Any, _Named()), cast(Any, None), cast(Any, shared))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(slot.run())
        await shared.log.said.wait()
        slot.stop(0.0)
    [line] = shared.log.lines
    assert line["event"] == "dataflow failed"
    assert re.fullmatch(r"LookupError at test_slot_failures\.py:\d+", str(line["detail"]))
    assert slot.paused == {"bug"}
    assert shared.log.told == [("paused", "bug"), ("resumed", "bug")]
