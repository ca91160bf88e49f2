"""``exporter pause``, ``resume`` and ``probe``: what operators do to a destination by hand (contract.md#by-hand).

A daemon that answers on its socket does it, and obeys at once. Where none does, it is done in the state.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import SocketOption, TokenOption, UrlOption, daemon_of, daemon_with
from exporter.cli.shared.destinations import EXIT_USAGE
from exporter.cli.shared.queue import fail
from exporter.sections.printable import printable

if TYPE_CHECKING:
    from exporter.cli.shared.daemon import Daemon
    from exporter.daemon.ops.actions import Action, ActionResult
    from exporter.settings.tree import Settings
    from exporter.state.kinds import State

#: The longest note.
WHY_CHARACTERS = 200

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name the destination.", autocompletion=destination_names)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def pause(
    name: Name,
    why: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Say why for whoever wonders, in status, in the log and at the ops port."),
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    token: TokenOption = None,
) -> None:
    """Send nothing to a destination until it is resumed.

    What is in flight finishes, the rest stays in the queue. The pause is kept in the state, so it needs no daemon,
    outlives restarts, and is obeyed by every process that shares the state, within 5 seconds. It makes no process
    unready. A queue that keeps what was not read keeps it for as long as the pause lasts.
    """
    if len(why) > WHY_CHARACTERS:
        raise typer.BadParameter(f"at most {WHY_CHARACTERS} characters, not {len(why)}", param_hint="--why")
    _run(Asked("pause", name, why.strip()), Place(config, url, socket, token), as_json=as_json)


def _command(action: Literal["resume", "probe"], text: str) -> Callable[..., None]:
    """The command for an action that takes no note; ``text`` is its help."""

    def command(
        name: Name,
        as_json: JsonOption = False,
        config: ConfigOption = DEFAULT_CONFIG,
        url: UrlOption = None,
        socket: SocketOption = None,
        token: TokenOption = None,
    ) -> None:
        _run(Asked(action, name), Place(config, url, socket, token), as_json=as_json)

    command.__name__, command.__doc__ = action, text
    return command


resume = _command(
    "resume",
    """End the pause of `exporter pause`.

    A destination that is paused for other reasons goes on by itself.
    """,
)
probe = _command(
    "probe",
    """Probe a paused destination now, not when it is due.

    It is for a destination that is paused for another reason than `exporter pause`.
    Every process that runs the destination probes its own pause within 5 seconds. A pause by `exporter pause` is not
    probed: the command says so and ends with 1.
    """,
)


class Asked(NamedTuple):
    """What is asked for."""

    action: Action
    name: str
    why: str = ""


class Place(NamedTuple):
    """Where it is to be done: the options of the command."""

    config: Path
    url: str | None
    socket: Path | None
    token: str | None


class Told(NamedTuple):
    """What came of it; ``detail`` is for people, ``reason`` why nothing was done."""

    done: bool
    detail: str
    reason: str | None = None


def _run(asked: Asked, place: Place, *, as_json: bool) -> None:
    """Act, print what came of it; exit with 1 where nothing was done, with 2 where no destination has this name."""
    told = _named(asked, place) if place.url or place.socket else _configured(asked, place)
    if as_json:
        reason = {} if told.reason is None else {"reason": told.reason}
        shown = {"destination": asked.name, "action": asked.action, "done": told.done, **reason, "detail": told.detail}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        typer.echo(told.detail if told.done else f"error: {told.detail}", err=not told.done)
    if not told.done:
        raise typer.Exit(EXIT_USAGE if told.reason == "unknown" else 1)


def _named(asked: Asked, place: Place) -> Told:
    """Have the daemon do it that the options name; no configuration is read."""
    from exporter.cli.shared.daemon_port import NoDaemon

    try:
        return _told(daemon_of(place.config, place.url, place.socket), asked, place.token)
    except NoDaemon as error:
        fail(str(error))


def _configured(asked: Asked, place: Place) -> Told:
    """Have the daemon do it that serves the socket of the configuration; without one, do it in the state."""
    import asyncio
    from dataclasses import replace

    from exporter.cli.shared.daemon_port import NoDaemon
    from exporter.daemon.ops.actions import NotDone
    from exporter.settings.loading.load import load
    from exporter.settings.loading.problems import Problems

    loaded = load(place.config, os.environ)
    if isinstance(loaded, Problems):
        return _broken(asked, place)
    settings = loaded.settings
    daemon = daemon_with(settings, place.config)
    sockets = tuple(each for each in daemon.places if isinstance(each.where, Path))
    running = {each.name: each.enabled for each in settings.destinations}
    if running.get(asked.name, False) and sockets:
        # A daemon may not have read the destination yet, or its worker may not answer; a killed daemon left its socket.
        with suppress(NoDaemon):
            told = _told(replace(daemon, places=sockets), asked, None)
            if told.done or told.reason == "not_now":
                return told
    result = asyncio.run(_acted(settings, asked))
    if running.get(asked.name) is False:
        typer.echo(f"note: {asked.name} is switched off in the configuration (enabled: false)", err=True)
    if isinstance(result, NotDone):
        return Told(False, result.detail, result.reason)
    return Told(True, result.detail)


def _broken(asked: Asked, place: Place) -> Told:
    """Have the daemon do it that runs an earlier text of a configuration that is broken now; exits with 78 without."""
    from exporter.cli.shared.daemon_port import NoDaemon

    daemon = daemon_of(place.config, None, None)
    typer.echo("\n".join(daemon.broken), err=True)
    try:
        return _told(daemon, asked, place.token)
    except NoDaemon as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_CONFIG) from error


def _told(daemon: Daemon, asked: Asked, token: str | None) -> Told:
    """What a daemon says that came of it. Raises ``NoDaemon`` where none answers."""
    from urllib.parse import quote

    from exporter.cli.shared.daemon_port import NoDaemon, post_json

    path = f"/destinations/{quote(asked.name, safe='')}/{asked.action}"
    note = {"why": asked.why, "by": _who()} if asked.action == "pause" else {}
    where, (status, answer) = daemon.ask(lambda where: post_json(where, path, note, token), asked.name)
    said: dict[str, Any] = answer if isinstance(answer, dict) else {}
    detail = said.get("detail") or said.get("error")
    if not isinstance(detail, str):
        raise NoDaemon(f"{where}{path} answers {status} and not what an exporter does")
    return Told(status == 200 and said.get("done") is True, printable(detail), said.get("reason"))


async def _acted(settings: Settings, asked: Asked) -> ActionResult:
    """Do it in the state."""
    import time

    from exporter.daemon.interventions import ByHand
    from exporter.daemon.ops.actions import Done
    from exporter.state.kinds import open_state

    missing = not settings.state.exists()
    known = any(each.name == asked.name for each in settings.destinations)
    if missing and known and asked.action != "pause":
        return Done(f"{asked.name} is not paused: there is no state yet, so no daemon has ever run")

    @asynccontextmanager
    async def opened() -> AsyncIterator[State]:
        async with open_state(settings.state) as state:
            if missing:
                typer.echo(f"note: made {getattr(settings.state, 'path', 'the state')}", err=True)
            yield state

    actions = ByHand(lambda: settings, opened, time.time, _who())
    match asked.action:
        case "pause":
            return await actions.pause(asked.name, asked.why)
        case "resume":
            return await actions.resume(asked.name)
        case "probe":
            return await actions.probe(asked.name)


def _who() -> str:
    """The user and the machine, for people, as far as the system knows them."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
