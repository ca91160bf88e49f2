"""What the commands on dead letters and on bad records share: the state opened, and questions before a deletion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from exporter.sections.printable import counted
from exporter.state.kinds import open_state

if TYPE_CHECKING:
    from exporter.state.kinds import State, StateSettings

T = TypeVar("T")

#: The most letters that a command has in memory.
PAGE = 500


def with_state(
    section: StateSettings, what: str, use: Callable[[State], Awaitable[T]], *, nothing: T, make: bool = False
) -> T:
    """The result of ``use`` on the open state; ``nothing`` where there is no store, since looking creates none.

    With ``make`` a store that is not there is made, and a note says where.

    Exits with 1 where the state cannot be used; ``what`` of it was to be reached is said.
    """
    import asyncio

    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.state.port import StateUnavailable

    missing = not section.exists()
    if missing and not make:
        return nothing

    async def run() -> T:
        async with open_state(section) as state:
            if missing:
                typer.echo(f"note: made {getattr(section, 'path', 'the state')}", err=True)
            return await use(state)

    try:
        return asyncio.run(run())
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
        typer.echo(f"the {what} cannot be reached: {error}", err=True)
        raise typer.Exit(1) from None


def refuse_all_by_accident(*, chosen: bool, everything: bool, words: str = "ids") -> None:
    """Exit with 2 where nothing says which letters are meant, not even ``--all``."""
    if not chosen and not everything:
        raise typer.BadParameter(f"say which: {words}, a filter, or --all")


def refuse_unattended(*, yes: bool) -> None:
    """Exit with 2 where a deletion would have to be confirmed and nobody is there."""
    import sys

    if not yes and not sys.stdin.isatty():
        typer.echo("nobody is there to confirm it: give --yes", err=True)
        raise typer.Exit(2)


def confirm_deletion(number: int, noun: str, *, yes: bool) -> None:
    """Exit with 1 unless the deletion is wanted."""
    if not yes and not typer.confirm(f"Delete {counted(number, noun)} for good?", err=True):
        raise typer.Exit(1)
