"""``exporter top``: ``exporter status``, live."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import SocketOption, UrlOption, daemon_of
from exporter.cli.shared.destinations import EXIT_USAGE, DestinationsOption
from exporter.cli.status.command import TroubleOption, refuse_strangers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from exporter.cli.shared.daemon import Daemon
    from exporter.cli.shared.look.screen import Screen, Tone
    from exporter.cli.status.samples import Dataflow, Sample

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
    daemon = daemon_of(config, url, socket)
    # The terminal is to be left as it was.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _keys() as wait:
            _live(daemon, wait, destination or [], trouble=trouble)
    except NoDaemon as error:
        typer.echo("\n".join([*daemon.broken, str(error)]), err=True)
        raise typer.Exit(EXIT_CONFIG if daemon.broken else 1) from None
    except KeyboardInterrupt:
        return  # the other way to end it


def _live(daemon: Daemon, wait: Callable[[float], bool], names: Sequence[str], *, trouble: bool) -> None:
    """Show samples until ``wait`` says that somebody has ended it. Raises ``NoDaemon`` where none answers at first."""
    from rich.live import Live

    from exporter.cli.shared.daemon_port import NoDaemon
    from exporter.cli.shared.look.screen import standard_output
    from exporter.cli.status.rows import chosen
    from exporter.cli.status.samples import samples

    screen = standard_output()
    first = [_FIRST_SECONDS]
    looking = samples(daemon, LOOK_SECONDS, lambda seconds: wait(first.pop() if first else seconds))
    sample = next(looking, None)
    if sample is None:
        return
    refuse_strangers(names, sample)
    # Of its beginning: the files may be mended meanwhile.
    broken = [_BROKEN] if daemon.broken else []
    with Live(console=screen.console, screen=True, auto_refresh=False) as live:
        lost: list[str] = []
        while True:
            notes = [*broken, *(lost or sample.silent)]
            live.update(view(sample, chosen(sample.flows, names, troubled=trouble), screen, notes), refresh=True)
            try:
                following = next(looking, None)
            except NoDaemon as error:  # it may be starting again
                lost = str(error).splitlines()
                looking = samples(daemon, LOOK_SECONDS, wait)
                if not wait(LOOK_SECONDS):
                    return
                continue
            if following is None:
                return
            sample, lost = following, []


def view(sample: Sample, flows: Sequence[Dataflow], screen: Screen, notes: Sequence[str]) -> RenderableType:
    """What is on the terminal: a head, as many of ``flows`` as there is room for, the worst first, and ``notes``."""
    from rich.console import Group

    from exporter.cli.shared.look.table import Rows
    from exporter.cli.shared.status_text import refused_lines
    from exporter.cli.status.rows import COLUMNS, in_words, row, total, worst_first
    from exporter.sections.printable import printable

    version = printable(str(sample.documents[0]["version"]))
    refused = [line for document in sample.documents for line in refused_lines(document)]
    notes = [
        printable(line)
        for line in dict.fromkeys((*refused, *(each for each in notes if not refused or each != _BROKEN)))
    ]
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
def _keys() -> Iterator[Callable[[float], bool]]:
    """What waits for so many seconds, and says whether nobody has ended it by a key meanwhile."""
    import select
    import time

    if not sys.stdin.isatty():

        def sleep(seconds: float) -> bool:
            time.sleep(seconds)
            return True

        yield sleep
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)

    def wait(seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([sys.stdin], [], [], left)[0] and os.read(sys.stdin.fileno(), 1) in _ENDING:
                return False
        return True

    tty.setcbreak(sys.stdin)
    try:
        yield wait
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
