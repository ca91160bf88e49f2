"""``exporter status``: asks a running daemon for the status of its dataflows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import Daemon, SocketOption, UrlOption, daemon_of
from exporter.cli.shared.status_text import duration_text, number_text, refused_lines

if TYPE_CHECKING:
    from exporter.cli.shared.daemon_port import Where

#: Between two samples, so that counts become rates.
SAMPLE_SECONDS = 1.0

#: Counts of a status that become ``<name>_per_second``.
RATES = ("received", "excluded", "delivered", "dead_lettered", "retried")

Dataflow = Mapping[str, Any]
Document = Mapping[str, Any]


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, one line a destination.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, a sample about every second.")] = False,
) -> None:
    """Show per destination: running or paused and why, lag, oldest pending, rates."""
    import sys

    from exporter.cli.shared.daemon_port import NoDaemon

    clear = watch and not as_json and sys.stdout.isatty()
    daemon = daemon_of(config, url, socket)
    broken = daemon.broken
    told: list[str] = []
    try:
        for documents, sample, silent in _samples(daemon):
            if as_json and silent != told:
                typer.echo("\n".join(silent or ["all processes answer again"]), err=True)
            told = silent
            refused = [] if as_json else list(dict.fromkeys(line for each in documents for line in refused_lines(each)))
            if broken and not refused:
                typer.echo("\n".join([*broken, "the daemon goes on with what it read before:"]), err=True)
            broken = ()
            if as_json:
                text = "\n".join(json.dumps(each, ensure_ascii=False) for each in sample)
            else:
                text = "\n".join([*refused, _shown(sample), *silent])
            typer.echo(("\x1b[2J\x1b[H" if clear else "") + text)
            if not watch:
                return
            if not as_json and not clear:
                typer.echo()
    except NoDaemon as error:
        typer.echo("\n".join([*broken, str(error)]), err=True)
        raise typer.Exit(EXIT_CONFIG if broken else 1) from None
    except KeyboardInterrupt:
        return  # the way to stop watching


def _samples(daemon: Daemon) -> Iterator[tuple[list[Document], list[Dataflow], list[str]]]:
    """What the daemon's processes say, and their dataflows with rates; anew after every ``SAMPLE_SECONDS``.

    Last, a line for each process that answered before and does not now.

    Raises:
        NoDaemon: no process answers.
    """
    last, before_at = dict(daemon.ask_all(_document)), time.monotonic()
    before = _by_destination(last.values())
    while True:
        time.sleep(SAMPLE_SECONDS)
        answers, silent = _of_each(last)
        now, now_at = _by_destination(answers.values()), time.monotonic()
        flows: list[Dataflow] = [
            dict(each) | _rates(before.get(name, each), each, now_at - before_at) for name, each in now.items()
        ]
        yield list(answers.values()), flows, silent
        last, before, before_at = {**last, **answers}, now, now_at


def _of_each(last: Mapping[Where, Document]) -> tuple[dict[Where, Document], list[str]]:
    """What each process says now, after what it said ``last``, and a line for each that says nothing.

    Raises:
        NoDaemon: no process answers.
    """
    from exporter.cli.shared.daemon_port import NoDaemon

    answers: dict[Where, Document] = {}
    silent: dict[Where, NoDaemon] = {}
    for where in last:
        try:
            answers[where] = _document(where)
        except NoDaemon as error:
            silent[where] = error
    if not answers:
        raise NoDaemon("\n".join(map(str, silent.values())))
    return answers, [f"{', '.join(_by_destination([last[where]]))}: {error}" for where, error in silent.items()]


def _document(where: Where) -> Document:
    from exporter.cli.shared.daemon_port import NoDaemon, get_json

    answer = get_json(where, "/status")
    flows = answer.get("destinations") if isinstance(answer, dict) else None
    if not isinstance(flows, list) or not all(isinstance(each, dict) and "destination" in each for each in flows):
        older = isinstance(answer, list) and all(isinstance(each, dict) and "destination" in each for each in answer)
        why = "the daemon there is older than this command" if older else "is an exporter listening there?"
        raise NoDaemon(f"{where}/status answers something else: {why}")
    return dict(answer)


def _by_destination(documents: Iterable[Document]) -> dict[str, Dataflow]:
    return {each["destination"]: each for document in documents for each in document["destinations"]}


def _rates(before: Dataflow, now: Dataflow, seconds: float) -> dict[str, float]:
    # A daemon that restarted in between counts from 0 again.
    return {f"{name}_per_second": round(max(0, now.get(name, 0) - before.get(name, 0)) / seconds, 1) for name in RATES}


def _shown(sample: Sequence[Dataflow]) -> str:
    from exporter.cli.shared.table import table

    if not sample:
        return "no dataflows"
    head = (
        *("DESTINATION", "STATE", "LAG", "OLDEST", "IN FLIGHT", "LIMIT"),
        *("DELIVERED/S", "READ/S", "EXCLUDED/S", "RETRIES/S", "DEAD"),
    )
    rows = [
        (
            str(each["destination"]),
            str(each["state"]),
            number_text(each["lag_messages"]),
            duration_text(each["oldest_pending_seconds"]),
            number_text(each["in_flight"]),
            number_text(each["concurrency"]),
            number_text(each["delivered_per_second"]),
            number_text(each["received_per_second"]),
            number_text(each["excluded_per_second"]),
            number_text(each["retried_per_second"]),
            number_text(each["dead_letters"]),
        )
        for each in sample
    ]
    lines = [table(head, rows, right=frozenset(head[2:]))]
    lines += [line for each in sample if (line := _why(each))]
    return "\n".join(lines)


def _why(each: Dataflow) -> str | None:
    """The reasons that keep the dataflow from sending, if any."""
    from exporter.sections.printable import printable

    if each["state"] == "starting" and each["last_failure"]:
        return f"{each['destination']}: {printable(each['last_failure'])}"
    if not each["paused"]:
        return None
    line = f"{each['destination']}: paused ({', '.join(each['paused'])})"
    if each["paused_since"] is not None:
        line += f" for {duration_text(max(0.0, time.time() - each['paused_since']))}"
    if each["next_probe_seconds"] is not None:
        line += f", next probe in {duration_text(each['next_probe_seconds'])}"
    if each["last_failure"] and each["paused"] != ["operator"]:  # a pause by hand has no failure for its cause
        line += f": {printable(each['last_failure'])}"
    return line + _by_hand(each.get("operator"))


def _by_hand(operator: Dataflow | None) -> str:
    """Who paused the destination by hand, why, and what that holds back."""
    from exporter.sections.printable import printable

    if operator is None:
        return ""
    by = f"by {operator['by']}" if operator["by"] else "by an operator"
    said = printable(f"paused {by}" + (f": {operator['why']}" if operator["why"] else ""))
    return f"\n  {said}" + (f"\n  warning: {printable(operator['warning'])}" if operator["warning"] else "")
