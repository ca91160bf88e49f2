"""``exporter backfill``: asks for a backfill, and follows it to its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_INTERRUPTED, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import refuse_unknown
from exporter.cli.shared.queue import fail
from exporter.sections.printable import counted, printable
from exporter.settings.whereabouts import not_yet_made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.settings.destination import Destination
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import Backfill, Segment


def backfill(
    name: Annotated[
        str,
        typer.Argument(metavar="DESTINATION", help="Name the destination to tell.", autocompletion=destination_names),
    ],
    segment: Annotated[
        list[str] | None,
        typer.Option(
            "--segment",
            metavar="ID",
            help="Tell only the members of this mapped segment, as ID or NAMESPACE:ID; may be given more than once.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Tell every profile, member of a mapped segment or not.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or return once it is asked for.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the backfill as JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Export all members of a destination's mapped segments again.

    They are told as they are now, behind live changes.
    `exporter serve` does it, as fast as the section `backfill` allows; the command asks for it and follows it. A
    command or a server that is killed loses nothing: the backfill goes on where it was, and the same command given
    again follows it instead of beginning another. A segment that is newly mapped needs no command.
    """
    settings = load_or_exit(config).settings
    known = {destination.name: destination for destination in settings.destinations}
    if name not in known:
        refuse_unknown(name, list(known), "DESTINATION")
    segments = _segments(known[name], segment or (), everything=everything)
    if (file := not_yet_made(settings.profiles)) is not None:
        fail(f"there are no profiles yet: `exporter serve` makes {printable(str(file))}")
    _tell(_followed(settings, known[name], segments, wait=wait), as_json=as_json)


def _followed(settings: Settings, destination: Destination, segments: Sequence[Segment], *, wait: bool) -> Backfill:
    """The backfill in the end, or without ``wait`` as it is asked for. Exits where the profiles cannot be reached."""
    import asyncio

    from exporter.cli.backfill.following import Following
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.source.profiles.port import ProfilesUnavailable

    try:
        return asyncio.run(Following(settings, destination, segments).run(wait=wait))
    except (DatabaseRefused, DatabaseUnavailable, ProfilesUnavailable) as error:
        fail(f"the profiles cannot be reached: {error}")
    except KeyboardInterrupt:
        typer.echo("note: interrupted; what was asked for goes on without this command", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _tell(found: Backfill, *, as_json: bool) -> None:
    from exporter.source.backfills.shown import as_object

    if as_json:
        typer.echo(json.dumps(as_object(found), ensure_ascii=False))
    elif found.finished:
        typer.echo(f"{counted(found.done - found.skipped, 'profile')} told to {found.destination}")
    else:
        typer.echo(f"backfill {found.number} of {found.destination} is asked for: {counted(found.total, 'profile')}")
    if found.skipped:
        typer.echo(
            f"note: {counted(found.skipped, 'profile')} skipped: larger than max_event_bytes, or than the queue takes",
            err=True,
        )


def _segments(destination: Destination, wanted: Sequence[str], *, everything: bool) -> list[Segment]:
    """The mapped segments that are meant; none for all profiles. Exits with 2 where there is no such segment."""
    if everything:
        if wanted:
            raise typer.BadParameter("--all and --segment exclude each other", param_hint="--all")
        return []
    mapped = [segment.key for segment in destination.segments]
    if not mapped:
        raise typer.BadParameter(f"{destination.name} maps no segment: --all tells every profile", param_hint="--all")
    found: dict[Segment, None] = {}
    for text in wanted:
        meant = [each for each in mapped if text in (each[1], ":".join(each))]
        if not meant:
            refuse_unknown(text, [id_ for _, id_ in mapped], "--segment", "mapped segment")
        found.update(dict.fromkeys(meant))
    return list(found) or mapped
