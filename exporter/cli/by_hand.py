"""``exporter pause``, ``resume`` and ``probe``: what operators do to a destination by hand (contract.md#by-hand)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit

if TYPE_CHECKING:
    from exporter.daemon.ops.actions import ActionResult, Actions
    from exporter.settings.tree import Settings
    from exporter.state.interventions import Interventions

#: The longest note.
WHY_CHARACTERS = 200

Name = Annotated[str, typer.Argument(metavar="NAME", help="The destination.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def pause(
    name: Name,
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="For whoever wonders: shown by status, in the log and at the ops port.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send nothing to a destination until it is resumed.

    What is in flight finishes, the rest stays in the queue. The pause is kept in the state, so it needs no daemon,
    outlives restarts, and is obeyed by every process that shares the state, within 5 seconds. It makes no process
    unready. A queue that keeps what was not read keeps it for as long as the pause lasts.
    """
    if len(why) > WHY_CHARACTERS:
        raise typer.BadParameter(f"at most {WHY_CHARACTERS} characters, not {len(why)}", param_hint="--why")
    _run(name, lambda actions: actions.pause(name, why.strip()), config, as_json=as_json, changes=True)


def resume(name: Name, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """End the pause of `exporter pause`; a destination that is paused for other reasons goes on by itself."""
    _run(name, lambda actions: actions.resume(name), config, as_json=as_json)


def probe(name: Name, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Probe a destination that is paused for another reason now, instead of when its next probe is due.

    Every process that runs the destination probes its own pause within 5 seconds. A pause by `exporter pause` is not
    probed: the command says so and ends with 1.
    """
    _run(name, lambda actions: actions.probe(name), config, as_json=as_json)


def _run(
    name: str,
    act: Callable[[Actions], Awaitable[ActionResult]],
    config: Path,
    *,
    as_json: bool,
    changes: bool = False,
) -> None:
    """Act, print what came of it, and exit with 1 where nothing was done. ``changes``: a missing state is made."""
    import asyncio

    from exporter.daemon.ops.actions import Done

    settings = load_or_exit(config).settings
    result = asyncio.run(_acted(name, settings, act, changes=changes))
    done = isinstance(result, Done)
    if as_json:
        reason = {} if isinstance(result, Done) else {"reason": result.reason}
        shown = {"destination": name, "done": done, **reason, "detail": result.detail}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        typer.echo(result.detail if done else f"error: {result.detail}", err=not done)
    if not done:
        raise typer.Exit(1)
    if any(each.name == name and not each.enabled for each in settings.destinations):
        typer.echo(f"note: {name} is switched off in the configuration (enabled: false)", err=True)


async def _acted(
    name: str, settings: Settings, act: Callable[[Actions], Awaitable[ActionResult]], *, changes: bool
) -> ActionResult:
    import time

    from exporter.daemon.interventions import ByHand
    from exporter.daemon.ops.actions import Done
    from exporter.state.kinds import open_state

    missing = not settings.state.exists()
    if missing and not changes and any(each.name == name for each in settings.destinations):
        return Done(f"{name} is not paused: there is no state yet, so no daemon has ever run")  # looking makes no file

    @asynccontextmanager
    async def opened() -> AsyncIterator[Interventions]:
        async with open_state(settings.state) as state:
            if missing:
                typer.echo(f"note: made {getattr(settings.state, 'path', 'the state')}", err=True)
            yield state.interventions

    return await act(ByHand(lambda: settings, opened, time.time, _who()))


def _who() -> str:
    """The user and the machine, for people, as far as the system knows them."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
