"""``exporter source send``: sends the records of files to a running ``exporter serve``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
    from exporter.sections.tls import Tls

_BATCH_RECORDS: Final = 500
_ENVELOPE: Final = len(b'{"messages":[]}')
_PEM = {"metavar": "FILE", "exists": True, "dir_okay": False, "readable": True}


def send(
    to: Annotated[
        str,
        typer.Argument(
            metavar="FLOW|INLET",
            help="A flow of the configuration by id or name; or a source by name or inlet, where records name their "
            "flow or the server finds it.",
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Records: JSON lines, or records or lists of them over several lines; - for stdin."
        ),
    ],
    validate: Annotated[
        bool,
        typer.Option(
            "--validate",
            help="Send record by record, each mapped and validated before it is taken: what would become a bad record "
            "is refused.",
        ),
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            callback=plain_url,
            help="The data plane, if not the one of the configuration. With the 64 digits of an inlet no configuration "
            "is read.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="EXPORTER_SOURCE_TOKEN",
            show_envvar=True,
            help="What is presented where the source demands a token; else the first of serve.tokens.static. Others on "
            "this machine may read the words of a command: use the variable.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", help="PEM with the authorities to trust instead of the system's.", **_PEM),
    ] = None,
    client_cert_file: Annotated[
        Path | None,
        typer.Option("--client-cert-file", help="PEM with the certificate to present (mTLS).", **_PEM),
    ] = None,
    client_key_file: Annotated[
        Path | None,
        typer.Option("--client-key-file", help="PEM with its key, where that stands elsewhere.", **_PEM),
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
    plane, max_body = _plane(to, url, token, _tls(ca_file, client_cert_file, client_key_file), config)
    _send(files, plane, max_body, validate=validate, as_json=as_json)


def _send(files: Sequence[Path], plane: DataPlane, max_body: int, *, validate: bool, as_json: bool) -> None:
    """Send the records of ``files`` and say how many were taken; exits with 1 where not all were."""
    sending = _Sending(plane, max_body, validate=validate)
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


def _plane(to: str, url: str | None, token: str | None, tls: Tls, config: Path) -> tuple[DataPlane, int]:
    """Where the records go, and the most bytes of a body there."""
    from exporter.cli.source.addressing import addressed, is_inlet
    from exporter.cli.source.posting import DataPlane
    from exporter.source.settings.serve import Serve

    if url is not None and is_inlet(to):
        return DataPlane(url.rstrip("/"), to, None, token, tls), Serve().max_body
    settings = load_or_exit(config).settings
    return addressed(settings, to, url, token, tls), settings.serve.max_body


def _tls(ca_file: Path | None, client_cert_file: Path | None, client_key_file: Path | None) -> Tls:
    """The certificates of the options; exits with 2 where they do not fit together."""
    from pydantic import ValidationError

    from exporter.sections.tls import Tls

    try:
        return Tls(ca_file=ca_file, client_cert_file=client_cert_file, client_key_file=client_key_file)
    except ValidationError:  # each of the files can be read
        raise typer.BadParameter("it needs --client-cert-file beside it", param_hint="--client-key-file") from None


class _Sending:
    """The progress of a call; ``failure`` is why the call ended early."""

    def __init__(self, plane: DataPlane, max_body: int, *, validate: bool) -> None:
        self.taken = 0
        self.refused = 0
        self.failure: str | None = None
        self._plane = plane
        self._most_bytes = max_body - _ENVELOPE
        self._validate = validate

    def run(self, files: Sequence[Path], advance: Advance) -> None:
        """Send batch after batch, until the files end or a batch fails."""
        from exporter.cli.source.posting import NotTaken

        for batch in self._batches(files):
            try:
                refused = self._posted([found.body for found in batch])
            except NotTaken as error:
                where = f"{batch[0].place} to {batch[-1].place}"
                self.failure = f"{error}; {where} may not have been taken, and what follows was not sent"
                return
            for index, reason in refused.items():
                self._refuse(batch[index], reason)
            self.taken += len(batch) - len(refused)
            advance(sum(found.read_bytes for found in batch))

    def _posted(self, records: Sequence[bytes]) -> Mapping[int, str]:
        if not self._validate:
            return self._plane.post(records)
        (record,) = records
        reason = self._plane.post_validated(record)
        return {} if reason is None else {0: reason}

    def _batches(self, files: Sequence[Path]) -> Iterator[list[Found]]:
        """Batches that the server reads as a whole: what would spoil one is refused here."""
        from exporter.cli.events.event_file import Endless, events_in
        from exporter.source.collection.checks.json_text import NoJson, decoded

        batch: list[Found] = []
        size = 0
        most = 1 if self._validate else _BATCH_RECORDS
        try:
            for found in events_in(files):
                read = decoded(found.body)
                if isinstance(read, NoJson):
                    self._refuse(found, read.reason)
                    continue
                if len(found.body) > self._most_bytes:
                    self._refuse(found, f"The record has more than {self._most_bytes} bytes (serve.max_body)")
                    continue
                if batch and (len(batch) == most or size + len(found.body) > self._most_bytes):
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
