"""``exporter tail``: asks a running daemon for its attempts, and shows each as it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.shared.completion import destination_names
from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import Daemon, SocketOption, TokenOption, UrlOption, daemon_of
from exporter.cli.shared.interrupts import until_stopped

if TYPE_CHECKING:
    from exporter.cli.tail.streams import Line, Stream


def tail(
    destination: Annotated[
        str | None,
        typer.Option(
            "--destination",
            metavar="NAME",
            help="Show only attempts at this destination.",
            autocompletion=destination_names,
        ),
    ] = None,
    bodies: Annotated[
        bool,
        typer.Option("--bodies", help="Show what is sent, and what comes back where it fails: personal data."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each, one a line.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    token: TokenOption = None,
) -> None:
    """Show attempts as they happen.

    Of each its event, profile, status, milliseconds, and what follows. The daemon records single attempts only
    while somebody watches. Where more happens than can be shown, lines are left out, and their number is told. Ends
    with Ctrl-C or SIGTERM (0), or when the daemon goes away (1).
    """
    from exporter.cli.shared.daemon_port import NoDaemon
    from exporter.cli.tail.streams import UnknownDestination

    with until_stopped():
        daemon = daemon_of(config, url, socket)
        try:
            _watch(_opened(daemon, destination, bodies=bodies, token=token), destination, as_json=as_json)
        except UnknownDestination as error:
            raise typer.BadParameter(str(error), param_hint="--destination") from None
        except NoDaemon as error:
            typer.echo("\n".join([*daemon.broken, str(error)]), err=True)
            raise typer.Exit(EXIT_CONFIG if daemon.broken else 1) from None
        raise typer.Exit(1)


def _watch(streams: Sequence[Stream], destination: str | None, *, as_json: bool) -> None:
    """Show what ``streams`` say of ``destination``, None for all, until every one has ended."""
    from exporter.cli.tail.streams import followed

    shown = destination or "all destinations"
    typer.echo(f"watching {shown} at {', '.join(str(each.where) for each in streams)}", err=True)
    told = _Told(as_json=as_json)
    for line in followed(streams):
        told.tell(line)


def _opened(daemon: Daemon, destination: str | None, *, bodies: bool, token: str | None) -> Sequence[Stream]:
    """The streams of all processes that run what is asked for. Raises as ``streams.opened``."""
    from exporter.cli.shared.daemon_port import Where
    from exporter.cli.tail.streams import opened

    def question(where: Where) -> Stream:
        return opened(where, destination, bodies=bodies, token=token)

    if destination is not None:
        return [daemon.ask(question, destination)[1]]
    return [stream for _, stream in daemon.ask_all(question)]


class _Told:
    """Prints lines: attempts to stdout, what happens to the daemons to stderr; as JSON, what they write to stdout."""

    def __init__(self, *, as_json: bool) -> None:
        from exporter.cli.shared.look.screen import standard_output
        from exporter.cli.tail.shown import Rows

        screen = standard_output()
        self._as_json = as_json
        self._rows = Rows(screen.columns if screen.is_terminal else None, colours=screen.is_coloured)

    def tell(self, line: Line) -> None:
        if line.value is None:
            typer.echo(f"the daemon at {line.where} is gone: {line.why}", err=True)
        elif self._as_json:
            typer.echo(json.dumps(line.value, ensure_ascii=False))
        elif (news := _news(line.value)) is not None:
            typer.echo(news, err=True)
        else:
            for text in self._rows.lines(line.value):
                typer.echo(text)


def _news(value: Mapping[str, Any]) -> str | None:
    """The sentence of a line that is no attempt."""
    from exporter.sections.printable import counted, printable

    if type(lost := value.get("lost")) is int:
        return f"{counted(lost, 'attempt')} not shown: more than could be written in time"
    for key in ("notice", "end"):
        if key in value:
            return printable(str(value[key]))
    return None
