"""``exporter top``: ``exporter status``, live."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import SocketOption, UrlOption, daemon_of
from exporter.cli.shared.destinations import EXIT_USAGE, DestinationsOption
from exporter.cli.shared.interrupts import until_stopped
from exporter.cli.status.command import TroubleOption, refuse_strangers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from exporter.cli.shared.daemon import Daemon
    from exporter.cli.shared.look.screen import Screen, Tone
    from exporter.cli.status.beside import Beside
    from exporter.cli.status.samples import Dataflow, Sample

#: Waits until there is news, or says that somebody has ended it meanwhile.
Ended: TypeAlias = "Callable[[Beside], bool]"
#: Between two looks: often enough for people, and little work with many destinations.
LOOK_SECONDS: Final = 2.0
#: Until the first numbers are there, which need two samples.
_FIRST_SECONDS: Final = 0.5
#: Destinations are what people look for here.
_MOST_NOTES: Final = 5
_BROKEN: Final = "the configuration on the disk had mistakes when this began: exporter check names them"
#: What ends it: q, Ctrl-D, a terminal that is gone.
_ENDING: Final = (b"q", b"Q", b"\x04", b"")


def top(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    destination: DestinationsOption = None,
    trouble: TroubleOption = False,
) -> None:
    """Show how each destination is, live; q ends it.

    It is `exporter status`, every two seconds, with as many destinations as the terminal has lines, the worst first.
    It needs a terminal: `exporter status --watch` goes on printing where there is none.
    """
    from exporter.cli.shared.daemon_port import NoDaemon

    # What rich takes for a terminal that cannot be drawn on; it would show nothing there.
    if not sys.stdout.isatty() or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        said = "top needs a terminal that can be drawn on; `exporter status --watch` goes on printing without one"
        typer.echo(said, err=True)
        raise typer.Exit(EXIT_USAGE)
    with until_stopped():
        daemon = daemon_of(config, url, socket)
        try:
            with _keys() as ended:
                _live(daemon, ended, destination or [], trouble=trouble)
        except NoDaemon as error:
            typer.echo("\n".join([*daemon.broken, str(error)]), err=True)
            raise typer.Exit(EXIT_CONFIG if daemon.broken else 1) from None


def _live(daemon: Daemon, ended: Ended, names: Sequence[str], *, trouble: bool) -> None:
    """Show samples until somebody has ``ended`` it. Raises ``NoDaemon`` where none answers at first."""
    from rich.live import Live

    from exporter.cli.shared.daemon_port import NoDaemon
    from exporter.cli.shared.look.screen import standard_output
    from exporter.cli.status.beside import Beside
    from exporter.cli.status.rows import chosen

    screen = standard_output()
    beside = Beside(daemon, _FIRST_SECONDS, LOOK_SECONDS)
    if ended(beside):
        return
    if isinstance(sample := beside.news(), NoDaemon):
        raise sample
    refuse_strangers(names, sample)
    # Of its beginning: the files may be mended meanwhile.
    broken = [_BROKEN] if daemon.broken else []
    with Live(console=screen.console, screen=True, auto_refresh=False) as live:
        lost: list[str] = []
        while True:
            notes = [*broken, *(lost or sample.silent)]
            live.update(view(sample, chosen(sample.flows, names, troubled=trouble), screen, notes), refresh=True)
            if ended(beside):
                return
            if isinstance(news := beside.news(), NoDaemon):
                lost = str(news).splitlines()
            else:
                sample, lost = news, []


def view(sample: Sample, flows: Sequence[Dataflow], screen: Screen, notes: Sequence[str]) -> RenderableType:
    """What is on the terminal: a head, as many of ``flows`` as there is room for, the worst first, and ``notes``."""
    from rich.console import Group

    from exporter.cli.shared.look.table import Rows
    from exporter.cli.shared.status_text import refused_lines
    from exporter.cli.status.rows import COLUMNS, in_words, row, total, worst_first
    from exporter.sections.printable import printable

    version = printable(str(sample.documents[0]["version"]))
    refused = [line for document in sample.documents for line in refused_lines(document)]
    notes = [printable(line) for line in dict.fromkeys((*notes, *refused))]
    if len(notes) > _MOST_NOTES:
        notes = [*notes[: _MOST_NOTES - 1], f"{len(notes) - _MOST_NOTES + 1} further lines: exporter status"]
    # The head, the names of the columns, the total, and the line that says how many are not shown.
    room = max(1, screen.console.height - len(notes) - 4)
    shown = worst_first(flows)[:room]
    lines: list[RenderableType] = [
        _line(f"exporter {version} (q ends it), {in_words(sample.flows)}", "strong"),
        *(_line(note, "warning") for note in notes),
    ]
    if flows:
        lines.append(Rows(COLUMNS, screen, one_line=True).drawn([*map(row, shown)], total(flows)))
    if more := len(flows) - len(shown):
        lines.append(_line(f"{more:,} more", "faint"))
    return Group(*lines)


def _line(text: str, tone: Tone) -> RenderableType:
    from exporter.cli.shared.look.screen import toned

    line = toned(text, tone)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


@contextmanager
def _keys() -> Iterator[Ended]:
    """Hear single keys, and leave the terminal as it was."""
    if not sys.stdin.isatty():
        yield lambda beside: _ended([beside])
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield lambda beside: _ended([beside, sys.stdin])
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _ended(heard: Sequence[Beside | TextIO]) -> bool:
    """Wait until there is news, or a key has ended it, which is said."""
    import select

    while True:
        ready = select.select(heard, [], [])[0]
        if sys.stdin in ready and os.read(sys.stdin.fileno(), 1) in _ENDING:
            return True
        if heard[0] in ready:
            return False
