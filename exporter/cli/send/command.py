"""``exporter send``: puts events on the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.files_given import refuse_unless_file

_STDIN = Path("-")


def send(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Read events: JSON lines, or events or lists of them over several lines; - stands for stdin.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Queue nothing: say what is wrong with the events, and which keys nobody knows."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='Print {"queued": n}; with --check {"events": n, "malformed": n, "unknownKeys": n}.'
        ),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Name the destination of --test.", autocompletion=destination_names),
    ] = None,
    test: Annotated[
        bool,
        typer.Option(
            "--test", help="Queue no FILE but a made-up event for the destination of --to, which is really sent."
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Return only when the event of --test was delivered or is a dead letter. A queue on "
            "Redis knows of the delivery once nothing at all waits for the destination.",
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put events on the queue, durably.

    The queue has them durably, as far as it can, when the command returns.

    With --check nothing is queued. The command reads all, says on stderr what cannot be an event and which keys of
    events are not known, and ends with 1 where there is what cannot be an event.

    Prints how many were queued. A line that is not JSON ends the command with 1 and its file and line, after the good
    ones before it were queued. A line that is JSON but cannot be an event (no profileId, larger than max_event_bytes,
    a wrong type) is queued with a note on stderr: each destination will make a dead letter of it. Blank lines are
    skipped. A line of more than 64 MiB ends the command likewise, as it may have no end. An event that is larger than
    the queue takes is named by its file and line; all others are queued, and the command ends with 1.

    What has been read is queued a fifth of a second later at the latest, so standard input may stay open, as in
    tail -f FILE | exporter send -. Ctrl-C ends the input: what was read by then is queued; the exit code is 130.

    With --to NAME --test it queues one event for that destination alone: a made-up profile in every mapped segment,
    with every mapped attribute. The partner really gets it. The command prints the event's id, which begins with test:,
    and, where a daemon answers or with --wait, what came of it; a dead letter ends it with 1.
    """
    if test or to is not None or wait:
        if not test or to is None or files or check:
            raise typer.BadParameter("--to NAME and --test go together, and with no FILE", param_hint="--test")
        from exporter.cli.send.event_for_test import send_test_event

        send_test_event(load_or_exit(config).settings, config, to, wait=wait, as_json=as_json)
        return
    if not files:
        raise typer.BadParameter("give at least one, or --to NAME --test", param_hint="FILE")
    for file in files:
        if file != _STDIN:
            refuse_unless_file(file)
    settings = load_or_exit(config).settings
    if check:
        from exporter.cli.send.checking import check_events

        if not check_events(files, int(settings.max_event_bytes), as_json=as_json):
            raise typer.Exit(1)
        return
    from exporter.cli.send.sending import send_files

    send_files(files, settings, as_json=as_json)
