"""``exporter preview``: whether an event would be exported, by which triggers, and with which request."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import DestinationsOption, chosen, note_switched_off
from exporter.cli.shared.files_given import reading

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
            metavar="FILE", help="Events: JSON lines, or events or lists of them over several lines; - for stdin."
        ),
    ],
    destination: DestinationsOption = None,
    format: Annotated[Format, typer.Option(help="http: the request's text; curl: a command to paste.")] = Format.http,  # noqa: A002
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show for each event whether it would be exported, by which triggers, and the exact request, secrets masked."""
    from exporter.cli.preview.previewer import WRITTEN

    loaded = load_or_exit(config)
    chosen = _chosen(loaded.settings, destination or [])
    write = WRITTEN[Format.json if as_json else format]
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
        _note(f"{without_id} without an id: shown with one made of file and line; a queue makes its own")
    for fault, what in (("absent", "without occurredAt"), ("unreadable", "with an occurredAt that is no time")):
        if places := without_time[fault]:
            _note(f"{len(places)} {what}, first {places[0]}: latency begins when the queue takes the event")
    for note in unknown.notes():
        _note(note)


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)
