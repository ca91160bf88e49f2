"""``exporter source send``: sends the records of files to a running ``exporter serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.events.event_file import STDIN
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.daemon import plain_url
from exporter.cli.shared.files_given import refuse_unless_file

if TYPE_CHECKING:
    from exporter.cli.source.posting import DataPlane
    from exporter.sections.tls import Tls

_PEM = {"metavar": "FILE", "exists": True, "dir_okay": False, "readable": True}


def send(
    to: Annotated[
        str,
        typer.Argument(
            metavar="FLOW|INLET",
            help="Name a flow of the configuration by id or name; or a source by name or inlet, where "
            "records name their flow or the server finds it.",
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Read records: JSON lines, or records or lists of them over several lines; - stands for stdin.",
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
            help="Send to this data plane instead of the configured one. With the 64 digits of an inlet "
            "no configuration is read.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="EXPORTER_SOURCE_TOKEN",
            show_envvar=True,
            help="Present this where the source demands a token; without it the first of "
            "serve.tokens.static. Others on this machine may read the words of a command: use the "
            "variable.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", help="Trust the authorities in this PEM instead of the system's.", **_PEM),
    ] = None,
    client_cert_file: Annotated[
        Path | None,
        typer.Option("--client-cert-file", help="Present the certificate in this PEM (mTLS).", **_PEM),
    ] = None,
    client_key_file: Annotated[
        Path | None,
        typer.Option(
            "--client-key-file", help="Take the certificate's key from this PEM, where that stands elsewhere.", **_PEM
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"taken": n, "refused": n}.')] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send the records of files to a running `exporter serve`.

    They are sent as any sender would; those that are taken are on its disk.
    Each record is named by its file and line where it is refused, and the others go on. What is answered 429 or 503 is
    sent again. Exits with 1 where a record was refused, or where the server could not be reached, or refused a batch as
    a whole; the command then ends at once and says from which line on nothing, or nobody knows what, was taken.

    What has been read is sent a fifth of a second later at the latest, so standard input may stay open, as in
    tail -f FILE | exporter source send FLOW -. Ctrl-C ends the input: what was read by then is sent; the exit code is
    130. A second one ends the command at once.
    """
    for file in files:
        if file != STDIN:
            refuse_unless_file(file)
    from exporter.cli.source.sending import send_files

    plane, max_body = _plane(to, url, token, _tls(ca_file, client_cert_file, client_key_file), config)
    send_files(files, plane, max_body, validate=validate, as_json=as_json)


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
