"""``exporter send --to NAME --test``: one made-up event for one destination, and what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import typer

from exporter.cli.shared.destinations import refuse_unknown
from exporter.cli.shared.queue import fail, with_queue
from exporter.database import DatabaseRefused, DatabaseUnavailable
from exporter.queues.port import EventTooLarge, Outgoing, Position, Queue, QueueFull
from exporter.sections.printable import printable
from exporter.settings.made_event import made_event
from exporter.state.kinds import State, open_state
from exporter.state.letter import Filter
from exporter.state.port import StateUnavailable

if TYPE_CHECKING:
    from exporter.settings.destination import Destination
    from exporter.settings.tree import Settings

POLL_SECONDS: Final = 0.3
#: How long the end of the event is waited for where nobody said ``--wait`` and a daemon answers.
SHORTLY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the event; ``detail`` is for people."""

    what: Literal["delivered", "dead_letter", "pending"]
    detail: str


def send_test_event(settings: Settings, config: Path, name: str, *, wait: bool, as_json: bool) -> None:
    """Queue the event, print its id and, as far as it can be known soon or with ``wait``, what came of it.

    Exits with 1 where nothing was queued, or where the event became a dead letter.
    """
    destination = _enabled(settings, name)
    event = made_event(destination, settings)
    if isinstance(event, str):
        fail(f"nothing was queued: {event}")
    mark = event.mark
    flow = _flow(settings, config, name)
    soon = flow is not None and not flow["paused"]
    patience = None if wait else SHORTLY_SECONDS if soon else 0.0

    async def run(queue: Queue) -> Outcome | None:
        if destination.start == "latest" and not await _places(queue, settings, name):
            fail(f"{name} begins at the latest event and has not begun: run a daemon first, or it would be left out")
        try:
            await queue.publish([Outgoing(mark, event.body)])
        except EventTooLarge as error:
            fail(f"nothing was queued: {error}")
        except QueueFull as error:
            fail(f"nothing was queued: the queue is full ({error})")
        if not as_json:
            typer.echo(f"{mark} is queued for {name}")
        if wait and flow is not None and flow["paused"]:
            typer.echo(f"note: waiting, since {_standing(flow)}; Ctrl-C ends the waiting", err=True)
        return await _followed(queue, settings, name, mark, patience)

    outcome = with_queue(settings, run) or Outcome("pending", _pending(settings, config, name))
    if as_json:
        told = {"id": mark, "destination": name, "outcome": outcome.what, "detail": outcome.detail}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo(outcome.detail)
    if outcome.what == "dead_letter":
        raise typer.Exit(1)


def _enabled(settings: Settings, name: str) -> Destination:
    known = {destination.name: destination for destination in settings.destinations}
    if name not in known:
        refuse_unknown(name, list(known), "--to")
    if not known[name].enabled:
        fail(f"{name} is switched off (enabled: false), so nothing would be sent: nothing was queued")
    return known[name]


# -- what comes of it


async def _followed(queue: Queue, settings: Settings, name: str, mark: str, patience: float | None) -> Outcome | None:
    """What came of the event within ``patience`` seconds, None for however long it takes; None if nothing has yet."""
    until = None if patience is None else time.monotonic() + patience
    ends: Mapping[str, int] = {}
    async with AsyncExitStack() as stack:
        state: State | None = None
        while True:
            places = await _places(queue, settings, name)
            ends = ends or {place.lane: place.settled_to + place.beyond + (place.lag or 0) for place in places}
            # In this order: a dead letter is durable before its event is settled.
            settled = _settled(settings, places, ends)
            state = state or await _state(settings, stack)
            if state is not None and (detail := await _letter(state, name, mark)) is not None:
                return Outcome("dead_letter", detail)
            if settled:
                return Outcome("delivered", f"delivered to {name}")
            if until is not None and time.monotonic() >= until:
                return None
            await asyncio.sleep(POLL_SECONDS)


async def _places(queue: Queue, settings: Settings, name: str) -> Sequence[Position]:
    group = settings.group_of(name)
    return [position for position in await queue.positions() if position.group == group]


def _settled(settings: Settings, places: Sequence[Position], ends: Mapping[str, int]) -> bool:
    """Whether all that stood in the queue behind the event is settled, in every lane that there was then."""
    # A stream's positions are times, so there only "nothing is left" says so.
    counted = settings.queue.kind != "redis"
    return bool(places) and all(
        place.lag == 0 or (counted and place.lane in ends and place.settled_to >= ends[place.lane]) for place in places
    )


async def _state(settings: Settings, stack: AsyncExitStack) -> State | None:
    """The state, once it is there."""
    if not settings.state.exists():
        return None
    try:
        return await stack.enter_async_context(open_state(settings.state))
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
        fail(f"the event is queued, and what comes of it cannot be told: the state cannot be reached: {error}")


async def _letter(state: State, name: str, mark: str) -> str | None:
    try:
        found = await state.letters.page(Filter(destination=name, profile_id=mark), after=0, limit=1)
    except StateUnavailable:
        return None
    return f"dead letter {found[0].id}: {found[0].reason}: {printable(found[0].detail)}" if found else None


def _flow(settings: Settings, config: Path, name: str) -> Mapping[str, Any] | None:
    """What the daemon says of the destination; None where none answers."""
    from exporter.cli.shared.daemon import daemon_with
    from exporter.cli.shared.daemon_port import NoDaemon, get_json

    try:
        answers = daemon_with(settings, config).ask_all(lambda where: get_json(where, "/status"))
    except NoDaemon:
        return None
    documents = [answer for _, answer in answers if isinstance(answer, dict)]
    flows = [flow for document in documents for flow in document.get("destinations") or ()]
    return next((flow for flow in flows if flow.get("destination") == name), None)


def _pending(settings: Settings, config: Path, name: str) -> str:
    flow = _flow(settings, config, name)
    if flow is None:
        return "no daemon answers: it is sent once one runs, unless an operator has paused the destination"
    return f"not sent, or not answered well, so far; {_standing(flow)}"


def _standing(flow: Mapping[str, Any]) -> str:
    """How the destination is, and why, as ``status`` has it."""
    from exporter.cli.status.rows import why

    reason = why(flow)
    return f"{flow['destination']} is {flow['state']}" + (f" ({reason})" if reason else "")
