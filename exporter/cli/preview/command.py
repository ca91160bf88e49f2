"""``exporter preview``: whether an event would be exported, by which triggers, and with which request."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import DestinationsOption, chosen, note_switched_off
from exporter.cli.shared.files_given import reading
from exporter.sections.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.cli.preview.previewer import Previewed, Previewer
    from exporter.settings.loading.load import Loaded
    from exporter.settings.tree import Destination, Settings


class Format(StrEnum):
    """How a request is written down."""

    http = "http"
    curl = "curl"
    json = "json"


def preview(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Read events: JSON lines, or events or lists of them over several lines; - stands for stdin.",
        ),
    ],
    destination: DestinationsOption = None,
    format: Annotated[  # noqa: A002 - the option's name
        Format,
        typer.Option(help="Write the text of the request (http), a command to paste (curl), or JSON lines (json)."),
    ] = Format.http,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON lines, as --format json does.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show what would be exported of events, and the requests.

    For each event and destination: whether it would be exported, by which triggers, and the exact request with its
    secrets masked. On a terminal the body of http is indented; everywhere else it stands as it would be sent.
    """
    import sys

    from exporter.cli.preview.previewer import WRITTEN, for_people

    loaded = load_or_exit(config)
    chosen = _chosen(loaded.settings, destination or [])
    name = Format.json if as_json else format
    write = for_people if name is Format.http and sys.stdout.isatty() else WRITTEN[name]
    with reading(file):
        for previewed in _previewed(loaded, chosen, file):
            typer.echo(write(previewed))


def _chosen(settings: Settings, names: Sequence[str]) -> Sequence[Destination]:
    found = chosen(settings, names)
    note_switched_off(found)
    if not found:
        typer.echo("note: the configuration has no destination", err=True)
    return found


def _previewed(loaded: Loaded, chosen: Sequence[Destination], file: Path) -> Iterator[Previewed]:
    from exporter.cli.events.event_file import STDIN, events_in
    from exporter.cli.events.event_keys import UnknownKeys
    from exporter.cli.preview.previewer import Previewer

    name = "stdin" if file == STDIN else file.name
    previewers: list[Previewer] = [Previewer.of(loaded, one, _note) for one in chosen]
    max_bytes = int(loaded.settings.max_event_bytes)
    unknown = UnknownKeys()
    events = without_id = 0
    without_time: dict[str, list[str]] = {"absent": [], "unreadable": []}
    for found in events_in([file]):
        events += 1
        unknown.look(found)
        for number, previewer in enumerate(previewers):
            previewed = previewer.preview(found, max_bytes)
            if number == 0:
                without_id += previewed.id_is_made
                if previewed.time_fault is not None:
                    without_time[previewed.time_fault].append(found.place)
            yield previewed
    if not events:
        _note(f"{name} holds no event")
    if without_id:
        _note(
            f"{counted(without_id, 'event')} without an id: shown with one made of file and line; a queue makes its own"
        )
    for fault, what in (("absent", "without occurredAt"), ("unreadable", "with an occurredAt that is no time")):
        if places := without_time[fault]:
            _note(f"{counted(len(places), 'event')} {what}, first {places[0]}: latency begins when the queue takes it")
    for note in unknown.notes():
        _note(note)


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)
