"""Which daemon a command asks: that of ``--url``, ``--socket``, the configured socket, the ops address, in this order.

A running daemon can be asked while the configuration on the disk is broken.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from exporter.cli.shared.config import EXIT_CONFIG

if TYPE_CHECKING:
    from exporter.cli.shared.daemon_port import Where
    from exporter.settings.tree import Settings

T = TypeVar("T")


def _ops_url(url: str | None) -> str | None:
    """The URL of ``--url``; a malformed one is a wrong call, which exits with 2."""
    from pydantic_core import PydanticCustomError

    from exporter.sections.urls import http_url

    try:
        return None if url is None else http_url(url)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{error.message()}; such as http://127.0.0.1:9464") from None


#: Parameters of a command: ``url: UrlOption = None, socket: SocketOption = None``.
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", callback=_ops_url, help="The daemon's ops port, if not the one in the configuration."
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", metavar="PATH", help="The daemon's socket, if not the one of the configuration."),
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="EXPORTER_OPS_TOKEN", help="With --url: the daemon's ops.token.", show_envvar=True),
]


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon to be asked at the first of ``places`` where one answers.

    ``nowhere`` says why there is no further place. ``broken`` holds the mistakes of the configuration on the disk, a
    line each, where it cannot be used.
    """

    places: tuple[Where, ...]
    nowhere: str | None = None
    broken: tuple[str, ...] = ()

    def ask(self, question: Callable[[Where], T]) -> tuple[Where, T]:
        """What ``question`` returns for the first place where a daemon answers, and that place.

        Raises:
            NoDaemon: there is none; the text says for each place why.
        """
        from exporter.cli.shared.daemon_port import NoDaemon

        failures = []
        for where in self.places:
            try:
                return where, question(where)
            except NoDaemon as error:
                failures.append(str(error))
        if self.nowhere is not None:
            failures.append(self.nowhere)
        raise NoDaemon("\n".join(failures))


def settings_or_part(config: Path) -> tuple[Settings, bool]:
    """The configuration, for a command that needs ``state`` alone, and whether it is whole.

    Of a broken configuration only ``state`` holds, and its mistakes go to stderr. Exits with 78 where that is broken,
    or where there is no state yet, which may stand at a former place.
    """
    from exporter.settings.loading.load import load
    from exporter.settings.loading.part import load_part
    from exporter.settings.loading.problems import Problems

    loaded = load(config, os.environ)
    if not isinstance(loaded, Problems):
        return loaded.settings, True
    typer.echo(loaded.render(), err=True)
    part = load_part(config, os.environ, ("state",))
    if "state" not in part.known or not part.settings.state.exists():
        raise typer.Exit(EXIT_CONFIG)
    return part.settings, False


def daemon_of(config: Path, url: str | None, socket: Path | None) -> Daemon:
    """The daemon that the options name, else that of the configuration in ``config``.

    Exits with 78 where the configuration is wrong and does not say any more where its daemon is.
    """
    if url is not None or socket is not None:
        return Daemon((*([] if url is None else [url.rstrip("/")]), *([] if socket is None else [socket])))
    from exporter.settings.loading.load import load
    from exporter.settings.loading.part import load_part
    from exporter.settings.loading.problems import Problems

    loaded = load(config, os.environ)
    if not isinstance(loaded, Problems):
        return daemon_with(loaded.settings, config)
    broken = loaded.render().splitlines()
    part = load_part(config, os.environ, ("ops", "state"))
    places: list[Where] = []
    if "state" in part.known or isinstance(part.settings.ops.socket, Path):
        places += _sockets(part.settings, config)
    if "ops" in part.known:
        places += _addresses(part.settings)[0]
    if not places:
        typer.echo("\n".join(broken), err=True)
        typer.echo("no running daemon can be found by it: give --socket or --url to ask one all the same", err=True)
        raise typer.Exit(EXIT_CONFIG)
    return Daemon(tuple(places), None, tuple(broken))


def daemon_with(settings: Settings, config: Path) -> Daemon:
    """The daemon that runs ``settings``, which stand in the file ``config``."""
    addresses, nowhere = _addresses(settings)
    return Daemon((*_sockets(settings, config), *addresses), nowhere)


def _sockets(settings: Settings, config: Path) -> list[Where]:
    from exporter.settings.local_socket import is_ours, socket_path

    path = socket_path(settings, config)
    return [path] if path is not None and is_ours(path) else []


def _addresses(settings: Settings) -> tuple[list[Where], str | None]:
    from exporter.cli.shared.daemon_port import NoDaemon, base_url

    try:
        return [base_url(settings.ops.host, settings.ops.port)], None
    except NoDaemon as error:
        return [], str(error)
