"""``exporter source status``: asks a running ``exporter serve`` how it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption
from exporter.cli.shared.daemon import Candidate, Daemon, Runs, SocketOption, UrlOption
from exporter.cli.shared.status_text import duration_text, number_text, refused_lines
from exporter.sections.printable import agreeing, printable

if TYPE_CHECKING:
    from exporter.cli.shared.daemon_port import Where
    from exporter.settings.tree import Settings

Document = Mapping[str, Any]

#: Of each flow, what came in and what failed, in this hour and in a day.
_TIMES = ("hour", "day")
_COUNTS = ("input", "failed")


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    url: UrlOption = None,
    socket: SocketOption = None,
    flow: Annotated[
        list[str] | None,
        typer.Option("--flow", metavar="NAME", help="Show only this flow; it may be given more than once."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, that of /status.")] = False,
) -> None:
    """Show whether records are taken, what waits, what is kept.

    The flows whose records fail come first.
    """
    from exporter.cli.shared.daemon_port import NoDaemon

    serving = _serving(config, url, socket)
    try:
        _, document = serving.ask(_document)
    except NoDaemon as error:
        typer.echo("\n".join([*serving.broken, str(error)]), err=True)
        raise typer.Exit(EXIT_CONFIG if serving.broken else 1) from None
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    if serving.broken:
        typer.echo("\n".join([*serving.broken, "exporter serve goes on with what it read before:"]), err=True)
    _show(document, _known(document, flow or []))


def _known(document: Document, wanted: Sequence[str]) -> Sequence[str]:
    """The names of the flows that are ``wanted`` by name or id. Exits with 2 where there is none of one."""
    from exporter.settings.loading.suggestions import guess

    flows = (*document.get("runs", ()), *document.get("flows", ()))
    names = {flow["id"]: flow["name"] or flow["id"] for flow in flows}
    names |= {name: name for name in names.values()}
    for each in wanted:
        if each not in names:
            raise typer.BadParameter(f"there is no flow {printable(each)}{guess(each, [*names])}", param_hint="--flow")
    return [names[each] for each in wanted]


def _serving(config: Path, url: str | None, socket: Path | None) -> Daemon:
    """The process that ``url`` or ``socket`` names, else that of the configuration in ``config``.

    Exits with 78 where the configuration is wrong and does not say any more where its process is.
    """
    from exporter.settings.loading.load import load
    from exporter.settings.loading.part import load_part
    from exporter.settings.loading.problems import Problems

    if url is not None or socket is not None:
        named: list[Where] = [*([] if url is None else [url.rstrip("/")]), *([] if socket is None else [socket])]
        return Daemon(tuple(map(Candidate, named)))
    loaded = load(config, os.environ)
    if not isinstance(loaded, Problems):
        return _placed(loaded.settings, config, ())
    broken = loaded.render().splitlines()
    part = load_part(config, os.environ, ("serve", "ops", "state"))
    if "serve" not in part.known:
        advice = "exporter serve cannot be found by it: give --url or --socket to ask one all the same"
        typer.echo("\n".join([*broken, advice]), err=True)
        raise typer.Exit(EXIT_CONFIG)
    return _placed(part.settings, config, tuple(broken), is_guess="state" not in part.known)


def _placed(settings: Settings, config: Path, broken: tuple[str, ...], *, is_guess: bool = False) -> Daemon:
    """The process of ``settings``: at its socket, which may be a guess, or at its ops port."""
    from exporter.cli.shared.daemon_port import NoDaemon, base_url
    from exporter.settings.local_socket import is_ours, of_serve, socket_paths

    sockets = [path for whole in socket_paths(settings, config) if is_ours(path := of_serve(whole))]
    places = [Candidate(path, is_guess=is_guess) for path in sockets]
    ops, nowhere = settings.serve.ops, None
    try:
        places.append(Candidate(base_url(ops.host, ops.port, "serve.ops.port")))
    except NoDaemon as error:
        nowhere = str(error)
    return Daemon(tuple(places), nowhere, broken, Runs(config, None))


def _document(where: Where) -> Document:
    from exporter.cli.shared.daemon_port import NoDaemon, get_json

    answer = get_json(where, "/status")
    if not isinstance(answer, dict) or "sources" not in answer:
        other = isinstance(answer, dict) and "destinations" in answer
        why = "it is exporter run that listens there" if other else "is exporter serve listening there?"
        raise NoDaemon(f"{where}/status answers something else: {why}")
    return answer


def _show(document: Document, names: Sequence[str]) -> None:
    """The document for people, with the flows of these names, all for no names."""
    from exporter.cli.shared.look.table import Column, show_table
    from exporter.cli.shared.look.tree import Branch, show_tree

    for line in refused_lines(document):
        typer.echo(line, err=True)
    show_tree([Branch(label, printable(value)) for label, value in _rows(document)])
    flows = [each for each in _flows(document) if not names or each[0] in names]
    if not flows:
        return
    columns = (
        Column("FLOW", folds=16),
        Column("STATE", folds=8),
        Column("THIS HOUR", right=True, spare=2),
        Column("FAILED", right=True, spare=1),
        Column("24 HOURS", right=True),
        Column("FAILED", right=True),
    )
    flows.sort(key=lambda each: (-each[2][-1], -each[2][1]))
    sums = [sum(numbers) for numbers in zip(*(counts for _, _, counts in flows), strict=True)]
    typer.echo()
    show_table(
        columns,
        [(printable(name), state, *map(number_text, counts)) for name, state, counts in flows],
        (f"total of {len(flows):,}", "", *map(number_text, sums)),
    )


def _flows(document: Document) -> Iterator[tuple[str, str, Sequence[int]]]:
    """Name, state and counts of the flows: those that there are, and those that are gone and had records lately."""
    runs = {each["id"]: each for each in document.get("runs", ())}
    for flow in document.get("flows", ()):
        words = ["enabled" if flow["enabled"] else "switched off"] + ["made by API"] * flow["made"]
        yield flow["name"], ", ".join(words), _counts(runs.pop(flow["id"], None))
    for gone in runs.values():
        yield gone["name"] or gone["id"], "gone", _counts(gone)


def _counts(run: Document | None) -> Sequence[int]:
    """What came in and what failed, in this hour and in a day."""
    return [0 if run is None else run[time][word] for time in _TIMES for word in _COUNTS]


def _rows(document: Document) -> Iterator[tuple[str, str]]:
    reasons = "; ".join(document["reasons"])
    state = "takes records" if document["ready"] else "not ready"
    yield "state", f"{state}: {reasons}" if reasons else state
    yield "sources", ", ".join(document["sources"]) or "none"
    oldest = document.get("intake_oldest_seconds")
    age = f", the oldest for {duration_text(oldest)}" if oldest and document["intake_records"] else ""
    yield "intake", f"{_of(document['intake_records'], 'record')} to be applied{age}"
    if held := document.get("held_requests"):
        yield "held", f"{_of(held, 'request')}: memory is short"
    yield "outbox", f"{_of(document['outbox_events'], 'event')} to be told"
    identities = _of(document["identities"], "identity", "identities")
    yield "profiles", f"{_of(document['profiles'], 'profile')}, {identities}"
    if bad := document.get("bad_records"):
        yield "bad records", f"{_of(bad, 'record')} kept, {_of(document['bad_records_bytes'], 'byte')}"
    for backfill in document["backfills"]:
        if not backfill["finished"]:
            waits = f"; waits: {backfill['waits']}" if backfill["waits"] else ""
            done = f"{number_text(backfill['done'])} of {number_text(backfill['total'])}"
            yield "backfill", f"{backfill['destination']}: {done} told{waits}"
    yield from _objects(document)


def _objects(document: Document) -> Iterator[tuple[str, str]]:
    """How much is declared and how much was made by API; a process of before tells nothing of it."""
    counts = document.get("objects", {})
    for word, count in counts.items():
        if any(count.values()):
            made = f", {number_text(count['made'])} made by API" if count["made"] else ""
            yield word.replace("_", " "), f"{number_text(count['declared'])} declared{made}"


def _of(number: int | None, noun: str, plural: str | None = None) -> str:
    return f"{number_text(number)} {agreeing(number, noun, plural)}"
