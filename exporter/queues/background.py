"""Tasks that run beside the body of an ``async with``, and end with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work`` until the body ends, whose error comes through as it is; an error of ``work`` cancels the body."""
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in work]
        try:
            yield
        except BaseException as error:
            failure = error
        for task in running:
            task.cancel()
    if failure is not None:
        raise failure
