"""``exporter send --check``: looks at files of events and queues nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from exporter.cli.events.event_file import Endless, Found, events_in
from exporter.cli.events.event_keys import UnknownKeys
from exporter.cli.send.event_lines import NotJson, event_lines
from exporter.sections.printable import agreeing, counted


def check_events(files: Sequence[Path], max_event_bytes: int, *, as_json: bool) -> bool:
    """Print to stderr malformed events and unknown keys; whether no event is malformed."""
    unknown = UnknownKeys()

    def looked_at() -> Iterator[Found]:
        for found in events_in(files):
            unknown.look(found)
            yield found

    events = malformed = 0
    try:
        for line in event_lines(looked_at(), max_event_bytes):
            events += 1
            if isinstance(line, NotJson):
                malformed += 1
                typer.echo(f"error: {line.place} is not JSON: {line.reason}", err=True)
            elif line.doubt is not None:
                malformed += 1
                typer.echo(f"error: {line.place} would become a dead letter: {line.doubt}", err=True)
    except (Endless, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for note in unknown.notes():
        typer.echo(f"note: {note}", err=True)
    counts = {"events": events, "malformed": malformed, "unknownKeys": len(unknown)}
    typer.echo(
        json.dumps(counts)
        if as_json
        else f"{counted(events, 'event')}, {malformed} of {agreeing(events, 'it', 'them')} malformed, "
        f"{counted(len(unknown), 'unknown key')}; nothing queued"
    )
    return not malformed
