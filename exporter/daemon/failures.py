"""How a bug is described in logs, and how a task that must live is begun anew after a bug."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from exporter.dataflow.examine import where
from exporter.tasks.lifetimes import EndedByItself, must_live
from exporter.telemetry.logs import Log
from exporter.telemetry.traces import calls


def causes(error: BaseException) -> list[BaseException]:
    """The exceptions inside the groups in which tasks that end together wrap their exceptions."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for each in error.exceptions for cause in causes(each)]
    return [error]


def told(error: BaseException) -> str:
    """All causes, each by type and origin; an OSError also with the system's own words, which quote no data."""
    return ", ".join(dict.fromkeys(_told(cause) for cause in causes(error)))


def _told(cause: BaseException) -> str:
    if isinstance(cause, EndedByItself):
        return str(cause)
    if isinstance(cause, OSError) and cause.strerror:
        return f"{where(cause)}: {cause.strerror}"
    return where(cause)


def trace(error: BaseException) -> Sequence[str]:
    """The calls that led to the first cause, the last call last; without the texts of exceptions, which quote data."""
    return calls(causes(error)[0])


async def kept(
    what: str, begin: Callable[[], Coroutine[Any, Any, object]], delay: Callable[[int], float], log: Log
) -> NoReturn:
    """Run a task that must live until cancelled; when the task ends otherwise, begin again after growing waits."""
    tries = 0
    while True:
        try:
            await must_live(what, begin)
        except Exception as error:
            log.error("task failed", task=what, detail=told(error), trace=trace(error))
        await asyncio.sleep(delay(tries))
        tries += 1


@contextmanager
def threads_heard(log: Log) -> Iterator[None]:
    """While entered, log one line for a thread that ends by a bug; otherwise Python writes past the log."""

    def failed(end: threading.ExceptHookArgs) -> None:
        name = "" if end.thread is None else end.thread.name
        error = end.exc_value or end.exc_type()
        log.error("thread failed", thread=name, detail=told(error), trace=trace(error))

    before, threading.excepthook = threading.excepthook, failed
    try:
        yield
    finally:
        threading.excepthook = before


def loop_heard(log: Log) -> Callable[[asyncio.AbstractEventLoop, Mapping[str, Any]], None]:
    """A handler of what the event loop could tell nobody, as of a task that nobody awaits.

    The loop's own words show the arguments of callbacks and the texts of exceptions, which quote data.
    """

    def failed(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        if error is None:
            log.error("event loop", detail=context["message"])
        else:
            log.error("event loop", detail=told(error), trace=trace(error))

    return failed
