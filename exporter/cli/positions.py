"""``exporter positions``: shows where groups stand in the queue, and moves or forgets groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import DestinationsOption, chosen, refuse_unknown
from exporter.cli.shared.look.help import Commands
from exporter.cli.shared.queue import Result, fail, with_queue
from exporter.sections.printable import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from exporter.queues.port import Position, Queue, SeekResult, Start
    from exporter.settings.tree import Settings

_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name a destination, or a whole group.", autocompletion=destination_names),
]


#: What the columns of the list mean.
_LEGEND = (
    "SETTLED: all up to this position is done with. BEYOND: so are as many events after it. LAG: as many are still to "
    "be done. READ: whether a daemon reads the group now. LAST READ: when a daemon last showed that it does; - where "
    "another tool has moved the group since."
)

positions = Commands(help="Show and change where destinations stand in the queue.", no_args_is_help=True)


@positions.command("list")
def list_positions(
    destination: DestinationsOption = None, as_json: _JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Print where every group stands in the queue.

    All up to SETTLED is done with, and so are BEYOND events after it; LAG events are still to be done. READ says
    whether a daemon reads the group now, LAST READ when one last showed that it does; - where another tool has moved
    the group since. Groups that are most behind come first.
    """
    settings = load_or_exit(config).settings
    found = with_queue(settings, lambda queue: queue.positions())
    if destination:
        groups = {settings.group_of(each.name) for each in chosen(settings, destination)}
        found = [position for position in found if position.group in groups]
    if as_json:
        for position in found:
            typer.echo(json.dumps(_as_dict(settings, position), ensure_ascii=False))
    elif found:
        _show(found)
    else:
        typer.echo("no group has read this queue yet", err=True)


@positions.command()
def seek(
    name: _Name,
    to: Annotated[
        str, typer.Argument(metavar="earliest|latest|POSITION", help="Say what to read next; POSITION is a number.")
    ],
    as_json: _JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Move a group: it goes on at the given place.

    That is refused while a daemon reads the group. Going back sends events again, with the same Idempotency-Key; those
    with a dead letter are skipped. What every group had passed may be gone: queue.retain says how long a journal
    keeps it. Going forward leaves events out.
    """
    target = _target(to)
    settings = load_or_exit(config).settings

    async def move(queue: Queue, group: str) -> tuple[Sequence[Position], Sequence[SeekResult]]:
        sought = await queue.seek(group, target)
        return [position for position in await queue.positions() if position.group == group], sought

    moved, sought = _changed(settings, name, move)
    by_lane = {each.lane: each for each in sought}
    for position in moved:
        found = by_lane.get(position.lane)
        clipped = found.clipped if found is not None else ""
        text = json.dumps({**_as_dict(settings, position), "clipped": clipped or None}, ensure_ascii=False)
        typer.echo(text if as_json else f"{position.group} goes on after {position.settled_to} in lane {position.lane}")
        if found is not None and clipped:
            typer.echo(f"note: {_clipped(found, to)}", err=True)


@positions.command()
def drop(name: _Name, as_json: _JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Forget a group and its position.

    That is refused while a daemon reads the group. A destination of that name begins anew, at its `start`. A pause by
    `exporter pause` is forgotten with the group.
    """
    settings = load_or_exit(config).settings

    async def forget(queue: Queue, group: str) -> str:
        try:
            await queue.drop(group)
        except KeyError:
            if not await _forget_interventions(settings, group):
                raise
        else:
            await _forget_interventions(settings, group)
        return group

    group = _changed(settings, name, forget)
    typer.echo(json.dumps({"dropped": group}) if as_json else f"{group} is forgotten")


async def _forget_interventions(settings: Settings, group: str) -> bool:
    """Forget what operators asked of the group, and say so of a pause, or why not; whether there was a pause."""
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.state.kinds import open_state
    from exporter.state.port import StateUnavailable

    if not settings.state.exists():
        return False
    try:
        async with open_state(settings.state) as state:
            pause = await state.interventions.forget(group)
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
        typer.echo(f"note: the state cannot be reached, so a pause by an operator stays: {error}", err=True)
        return False
    if pause is not None:
        typer.echo(f"note: its pause by an operator is forgotten too, {pause}", err=True)
    return pause is not None


def _changed(settings: Settings, name: str, change: Callable[[Queue, str], Awaitable[Result]]) -> Result:
    """Change the group that ``name`` stands for: a destination's group, or a group by its name on the queue."""
    from exporter.queues.port import GroupInUse

    there: dict[str, None] = {}

    async def found(queue: Queue) -> Result:
        is_destination = any(destination.name == name for destination in settings.destinations)
        there.update((position.group, None) for position in await queue.positions())
        return await change(queue, name if name in there and not is_destination else settings.group_of(name))

    try:
        return with_queue(settings, found)
    except GroupInUse as error:
        fail(f"a daemon reads group {error}: stop it, or switch the destination off, and try again")
    except KeyError as error:
        known = [destination.name for destination in settings.destinations]
        if name not in known and name not in map(settings.group_of, known):
            refuse_unknown(name, [*known, *there], "NAME", "destination or group")
        fail(f"there is no group {error.args[0]}; `exporter positions list` shows those that there are")


def _clipped(found: SeekResult, asked: str) -> str:
    """Why a group does not go on at the place that was asked for."""
    if found.clipped == "gone":
        return (
            f"{asked} is gone: in lane {found.lane} all before {found.next} was deleted, so it goes on with "
            f"{found.next}"
        )
    return f"{asked} is beyond the end of lane {found.lane}: it goes on with the next event there, {found.next}"


def _target(text: str) -> int | Start:
    if text == "earliest":
        return "earliest"
    if text == "latest":
        return "latest"
    if text.isascii() and text.isdigit():
        return int(text)
    raise typer.BadParameter(f"'{text}' is neither earliest nor latest nor a position", param_hint="POSITION")


def _as_dict(settings: Settings, position: Position) -> dict[str, Any]:
    prefix = settings.queue.group_prefix
    ours = position.group.removeprefix(prefix) if position.group.startswith(prefix) else None
    configured = any(destination.name == ours for destination in settings.destinations)
    return {
        "group": position.group,
        "destination": ours if configured else None,
        "lane": position.lane,
        "settled_to": position.settled_to,
        "beyond": position.beyond,
        "lag": position.lag,
        "reader": position.reader,
        "seen_at": _when(position.seen_at),
    }


def _show(positions: Sequence[Position]) -> None:
    """Print a table, those that are most behind first, and on a terminal what its columns mean."""
    from exporter.cli.shared.look.screen import standard_output, toned
    from exporter.cli.shared.look.table import Column, Rows
    from exporter.cli.shared.status_text import number_text

    columns = (
        Column("GROUP", folds=16, eases=64),
        Column("LANE", folds=8, eases=16),
        Column("SETTLED", right=True),
        Column("BEYOND", right=True, spare=2),
        Column("LAG", right=True),
        Column("READ", spare=1),
        Column("LAST READ", spare=3),
    )
    rows = [
        (
            printable(each.group),
            printable(each.lane),
            str(each.settled_to),
            str(each.beyond),
            number_text(each.lag),
            "yes" if each.reader else "no",
            _when(each.seen_at) or "-",
        )
        for each in sorted(positions, key=lambda each: -(each.lag or 0))
    ]
    lags = [each.lag for each in positions if each.lag is not None]
    groups = len({each.group for each in positions})
    total = (f"total of {groups}", "", "", "", number_text(sum(lags) if lags else None), "", "")
    screen = standard_output()
    Rows(columns, screen).show(rows, total)
    if screen.is_terminal:
        screen.show(toned(f"\n{_LEGEND}", "faint"))


def _when(seconds: float | None) -> str | None:
    from datetime import UTC, datetime

    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
