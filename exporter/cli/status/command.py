"""``exporter status``: asks a running daemon for the status of its dataflows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import SocketOption, UrlOption, daemon_of
from exporter.cli.shared.destinations import DestinationsOption
from exporter.cli.shared.interrupts import until_stopped

if TYPE_CHECKING:
    from exporter.cli.shared.daemon import Daemon
    from exporter.cli.status.samples import Dataflow, Sample

#: Between two samples, so that counts become rates.
SAMPLE_SECONDS = 1.0

TroubleOption = Annotated[
    bool,
    typer.Option("--trouble", help="Show only destinations that are paused, cannot start, or have dead letters."),
]


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    destination: DestinationsOption = None,
    trouble: TroubleOption = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print a JSON object for each destination, one a line: with counts since the start (delivered, "
            "received, excluded, retried, dead_lettered), the last success, and all else that the table leaves out.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Print another sample about every second; `exporter top` is live.")
    ] = False,
) -> None:
    """Show how each destination is: state, reason, lag and rates.

    Those that send nothing come first, with the reason and the time until the next probe; of all others those whose
    oldest event waits longest. A terminal that is too narrow leaves columns out, folds long texts, and in the end gives
    each field a line; on a pipe every row is a line.
    """
    from exporter.cli.shared.daemon_port import NoDaemon

    with until_stopped() if watch else nullcontext():
        daemon = daemon_of(config, url, socket)
        try:
            _Showing(daemon, destination or [], trouble=trouble, as_json=as_json, watch=watch).run()
        except NoDaemon as error:
            typer.echo("\n".join([*daemon.broken, str(error)]), err=True)
            raise typer.Exit(EXIT_CONFIG if daemon.broken else 1) from None


class _Showing:
    """One call of the command."""

    def __init__(self, daemon: Daemon, names: Sequence[str], *, trouble: bool, as_json: bool, watch: bool) -> None:
        self._daemon = daemon
        self._names = names
        self._trouble = trouble
        self._as_json = as_json
        self._watch = watch
        self._told: Sequence[str] = []
        self._broken = daemon.broken

    def run(self) -> None:
        """Show a sample, or one after the other. Raises ``NoDaemon`` where no process answers."""
        import time

        from exporter.cli.status.rows import chosen
        from exporter.cli.status.samples import samples

        def wait(seconds: float) -> bool:
            time.sleep(seconds)
            return True

        for sample in samples(self._daemon, SAMPLE_SECONDS, wait):
            refuse_strangers(self._names, sample)
            flows = chosen(sample.flows, self._names, troubled=self._trouble)
            if self._as_json:
                self._print_json(flows, sample)
            else:
                self._print(flows, sample)
            if not self._watch:
                return

    def _print_json(self, flows: Sequence[Dataflow], sample: Sample) -> None:
        if sample.silent != self._told:
            typer.echo("\n".join(sample.silent or ["all processes answer again"]), err=True)
        self._told = sample.silent
        self._tell_broken()
        typer.echo("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in flows), nl=False)

    def _print(self, flows: Sequence[Dataflow], sample: Sample) -> None:
        from exporter.cli.shared.status_text import refused_lines

        refused = list(dict.fromkeys(line for each in sample.documents for line in refused_lines(each)))
        if not refused:
            self._tell_broken()
        self._broken = ()
        for line in refused:
            typer.echo(line, err=True)
        _show(flows, sample)
        for line in sample.silent:
            typer.echo(line, err=True)
        if self._watch:
            typer.echo()

    def _tell_broken(self) -> None:
        if self._broken:
            typer.echo("\n".join([*self._broken, "the daemon goes on with what it read before:"]), err=True)
        self._broken = ()


def refuse_strangers(names: Sequence[str], sample: Sample) -> None:
    """Exit with 2 where a destination is asked for that no process runs, unless one does not answer now."""
    from exporter.cli.shared.destinations import refuse_unknown

    known = [str(flow["destination"]) for flow in sample.flows]
    for name in names:
        if name not in known and not sample.silent:
            refuse_unknown(name, known, "--destination")


def _show(flows: Sequence[Dataflow], sample: Sample) -> None:
    from exporter.cli.shared.look.table import show_table
    from exporter.cli.status.rows import COLUMNS, in_words, row, total, worst_first

    if flows:
        show_table(COLUMNS, map(row, worst_first(flows)), total(flows))
    elif sample.flows:
        typer.echo(f"nothing to show of {in_words(sample.flows)}", err=True)
    else:
        typer.echo("no dataflows", err=True)
