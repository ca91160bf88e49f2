"""``exporter source send``: sends the records of files to a running ``exporter serve``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from exporter.cli.events.event_file import STDIN
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.daemon import plain_url
from exporter.cli.shared.files_given import refuse_unless_file, total_bytes
from exporter.cli.shared.progress import Advance, progress
from exporter.cli.shared.queue import fail
from exporter.sections.printable import counted, printable

if TYPE_CHECKING:
    from exporter.cli.events.event_file import Found
    from exporter.cli.source.posting import DataPlane
    from exporter.settings.tree import Settings
    from exporter.source.processing.planes import Ids

_BATCH_RECORDS: Final = 500
_ENVELOPE: Final = len(b'{"messages":[]}')


def send(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="The id or the name of a flow of the configuration.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Records: JSON lines, or records or lists of them over several lines; - for stdin."
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", callback=plain_url, help="The data plane, if not the one of the configuration."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="EXPORTER_SOURCE_TOKEN",
            show_envvar=True,
            help="What is presented where the source demands a token; else the first of serve.tokens.static.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"taken": n, "refused": n}.')] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send the records of files to a running exporter serve, as any sender would; taken ones are on its disk.

    Each record is named by its file and line where it is refused, and the others go on. What is answered 429 or 503 is
    sent again. Exits with 1 where a record was refused, or where the server could not be reached, or refused a batch as
    a whole; the command then ends at once and says from which line on nothing, or nobody knows what, was taken.
    """
    for file in files:
        if file != STDIN:
            refuse_unless_file(file)
    settings = load_or_exit(config).settings
    _send(files, _plane(settings, flow, url, token), settings.serve.max_body, as_json=as_json)


def _send(files: Sequence[Path], plane: DataPlane, max_body: int, *, as_json: bool) -> None:
    """Send the records of ``files`` and say how many were taken; exits with 1 where not all were."""
    sending = _Sending(plane, max_body)
    try:
        with progress("sending", total_bytes(files)) as advance:
            sending.run(files, advance)
    finally:
        counts = {"taken": sending.taken, "refused": sending.refused}
        words = f"{counted(sending.taken, 'record')} taken, {sending.refused} refused"
        typer.echo(json.dumps(counts) if as_json else words)
    if sending.failure is not None:
        fail(printable(sending.failure))
    if sending.refused:
        raise typer.Exit(1)


class _Sending:
    """The progress of a call; ``failure`` is why the call ended early."""

    def __init__(self, plane: DataPlane, max_body: int) -> None:
        self.taken = 0
        self.refused = 0
        self.failure: str | None = None
        self._plane = plane
        self._most_bytes = max_body - _ENVELOPE

    def run(self, files: Sequence[Path], advance: Advance) -> None:
        """Send batch after batch, until the files end or a batch fails."""
        from exporter.cli.source.posting import NotTaken

        for batch in self._batches(files):
            try:
                refused = self._plane.post([found.body for found in batch])
            except NotTaken as error:
                where = f"{batch[0].place} to {batch[-1].place}"
                self.failure = f"{error}; {where} may not have been taken, and what follows was not sent"
                return
            for index, reason in refused.items():
                self._refuse(batch[index], reason)
            self.taken += len(batch) - len(refused)
            advance(sum(found.read_bytes for found in batch))

    def _batches(self, files: Sequence[Path]) -> Iterator[list[Found]]:
        """Batches that the server reads as a whole: what would spoil one is refused here."""
        from exporter.cli.events.event_file import Endless, events_in
        from exporter.source.collection.checks.json_text import NoJson, decoded

        batch: list[Found] = []
        size = 0
        try:
            for found in events_in(files):
                read = decoded(found.body)
                if isinstance(read, NoJson):
                    self._refuse(found, read.reason)
                    continue
                if len(found.body) > self._most_bytes:
                    self._refuse(found, f"The record has more than {self._most_bytes} bytes (serve.max_body)")
                    continue
                if batch and (len(batch) == _BATCH_RECORDS or size + len(found.body) > self._most_bytes):
                    yield batch
                    batch, size = [], 0
                batch.append(found)
                size += len(found.body) + 1
        except (Endless, OSError) as error:
            self.failure = str(error)
        if batch:
            yield batch

    def _refuse(self, found: Found, reason: str) -> None:
        self.refused += 1
        typer.echo(f"error: {printable(f'{found.place} was refused: {reason}')}", err=True)


def _plane(settings: Settings, flow: str, url: str | None, token: str | None) -> DataPlane:
    """Where the records go; exits with 2 where there is no such flow, with 1 where nobody knows where its server is."""
    from exporter.cli.shared.daemon_port import NoDaemon, base_url
    from exporter.cli.source.posting import DataPlane
    from exporter.cli.source.previewer import NoSuchFlow, found_flow

    serving = settings.serve
    ids = _ids(settings)
    try:
        flow_id, source = found_flow(settings, flow, ids.flows)
    except NoSuchFlow as error:
        raise typer.BadParameter(printable(str(error)), param_hint="FLOW") from None
    static = serving.tokens.static
    if token is None and static and next(each for each in settings.sources if each.name == source).authentication:
        token = static[0].token.current()
    if url is None and serving.tls.cert_file is not None:
        url = serving.public_url
        if url is None:
            fail("the certificate of serve.tls is for a name that the configuration does not say: give --url")
    try:
        url = url or base_url(serving.host, serving.port, "serve.port")
    except NoDaemon as error:
        fail(str(error))
    return DataPlane(url.rstrip("/"), ids.inlets[source], flow_id, token)


def _ids(settings: Settings) -> Ids:
    """The ids of the configuration, and those that the server has made for what it leaves out."""
    import asyncio

    from exporter.daemon.serving.parts import ids_settled
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.source.processing.planes import ids_of, wanted
    from exporter.state.kinds import open_state
    from exporter.state.port import StateUnavailable

    given = dict(wanted(settings.sources))
    if all(id_ is not None for name, id_ in given.items() if not name.startswith("connection/")):
        return ids_of(settings.sources, {name: id_ or "" for name, id_ in given.items()})
    if not settings.state.exists():
        fail("the inlet or the flow has no id as yet: it is made when exporter serve is started first")

    async def made() -> Ids:
        async with open_state(settings.state) as state:
            return await ids_settled(state, settings.sources)

    try:
        return asyncio.run(made())
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
        fail(f"the state, where the ids stand that were made, cannot be read: {error}")
