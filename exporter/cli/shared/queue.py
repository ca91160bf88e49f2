"""The configured queue for a command: opened, with failures in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from exporter.queues.kinds import open_queue
from exporter.sections.printable import printable
from exporter.settings.whereabouts import not_yet_made

if TYPE_CHECKING:
    from exporter.queues.port import Queue
    from exporter.settings.tree import Settings

Result = TypeVar("Result")


def with_queue(settings: Settings, use: Callable[[Queue], Awaitable[Result]]) -> Result:
    """Open the queue, run ``use`` with the queue, and return the result.

    Warnings of the queue go to stderr. Exits with 1 where the queue cannot be opened or used.
    """
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.queues.port import QueueUnavailable

    made = not_yet_made(settings.queue)

    async def run() -> Result:
        async with open_queue(
            settings.queue, settings.groups, lambda text: typer.echo(f"note: {text}", err=True)
        ) as queue:
            if made is not None:
                typer.echo(f"note: there was no queue yet, it is made at {printable(str(made))}", err=True)
            return await use(queue)

    try:
        return asyncio.run(run())
    except (DatabaseRefused, DatabaseUnavailable, QueueUnavailable) as error:
        fail(str(error))


def fail(why: str) -> NoReturn:
    """Say why on stderr and exit with 1."""
    typer.echo(f"error: {why}", err=True)
    raise typer.Exit(1)
