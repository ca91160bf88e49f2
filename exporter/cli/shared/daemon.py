"""Which daemon a command asks: that of ``--url``, ``--socket``, the configured socket, the ops address, in this order.

Of those that a configuration names, only a daemon is asked that runs that configuration, or groups of it.
A running daemon can be asked while the configuration on the disk is broken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from exporter.cli.shared.config import EXIT_CONFIG, tell_problems

if TYPE_CHECKING:
    from exporter.cli.shared.daemon_port import Where
    from exporter.settings.tree import Settings

T = TypeVar("T")


def plain_url(url: str | None) -> str | None:
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
        "--url",
        metavar="URL",
        callback=plain_url,
        help="Ask the daemon at this ops port instead of the configured one.",
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", metavar="PATH", help="Ask the daemon at this socket instead of the configured one."),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="EXPORTER_OPS_TOKEN",
        help="Present this token (ops.token) to the daemon of --url.",
        show_envvar=True,
    ),
]


class Candidate(NamedTuple):
    """Where a daemon may be.

    ``is_share``: a process that runs a share of the destinations. ``is_guess``: the configuration does not say so, and
    the process there is asked only if it says that it runs that configuration.
    """

    where: Where
    is_share: bool = False
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Runs:
    """The configuration that a daemon is to run.

    ``file`` is the main file, ``groups`` are those of the destinations, None where the configuration is broken.
    """

    file: Path
    groups: frozenset[str] | None

    def check(self, candidate: Candidate, destination: str | None) -> None:
        """Refuse a daemon that says that it runs another configuration, or a share without the ``destination``.

        Raises:
            NoDaemon: it is refused, or there is none.
        """
        from exporter.cli.shared.daemon_port import NoDaemon, get_json

        answer = get_json(candidate.where, "/status")
        document: dict[str, Any] = answer if isinstance(answer, dict) else {}
        flows = document.get("destinations")
        names = [each.get("destination") for each in flows or () if isinstance(each, dict)]
        if candidate.is_share and destination is not None and destination not in names:
            raise NoDaemon(f"the daemon at {candidate.where} does not run {destination}")
        config = document.get("config")
        file, prefix = (config.get(key) for key in ("file", "group_prefix")) if isinstance(config, dict) else (None, "")
        if not isinstance(file, str):  # a daemon of an earlier version does not say
            if candidate.is_guess:
                raise NoDaemon(f"the daemon at {candidate.where} does not say which configuration it runs")
            return
        if os.path.realpath(file) == os.path.realpath(self.file.expanduser()):
            return
        if self.groups is not None:
            fits = any(f"{prefix}{name}" in self.groups for name in names)
        else:  # a file of another container may be this one
            fits = not candidate.is_guess and not Path(file).exists()
        if not fits:
            raise NoDaemon(f"the daemon at {candidate.where} runs another configuration, {file}")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon to be asked at the first of ``places`` where one answers.

    ``nowhere`` says why there is no further place. ``broken`` holds the mistakes of the configuration on the disk, a
    line each, where it cannot be used. ``runs`` is what the daemon must run, None where any daemon is asked.
    ``sockets`` gives the places of the configuration that are sockets, those of processes that began since included.
    """

    places: tuple[Candidate, ...]
    nowhere: str | None = None
    broken: tuple[str, ...] = ()
    runs: Runs | None = None
    sockets: Callable[[], Sequence[Candidate]] = tuple

    def ask(self, question: Callable[[Where], T], destination: str | None = None) -> tuple[Where, T]:
        """What ``question`` returns for the first place where a daemon answers, and that place.

        A process that runs a share of the destinations is passed over where ``destination`` is not in that share.

        Raises:
            NoDaemon: there is none; the text says for each place why.
        """
        return self._answers(question, destination, most=1)[0]

    def ask_all(self, question: Callable[[Where], T]) -> list[tuple[Where, T]]:
        """As ``ask``, but of every process that answers where each runs a share of the destinations."""
        return self._answers(question, None, most=len(self.places))

    def ask_further(self, question: Callable[[Where], T], known: Collection[Where]) -> list[tuple[Where, T]]:
        """As ``ask_all``, of those that are not ``known``, where each of these runs a share; none may answer."""
        from exporter.cli.shared.daemon_port import NoDaemon

        shares = [each for each in self.sockets() if each.is_share]
        if not {*known} <= {each.where for each in shares}:
            return []
        answers = []
        for candidate in shares:
            if candidate.where not in known:
                with suppress(NoDaemon):
                    if self.runs is not None:
                        self.runs.check(candidate, None)
                    answers.append((candidate.where, question(candidate.where)))
        return answers

    def _answers(self, question: Callable[[Where], T], destination: str | None, most: int) -> list[tuple[Where, T]]:
        from exporter.cli.shared.daemon_port import NoDaemon

        answers: list[tuple[Where, T]] = []
        failures = []
        for candidate in self.places:
            if len(answers) == most or (answers and not candidate.is_share):
                break
            try:
                if self.runs is not None:
                    self.runs.check(candidate, destination)
                answers.append((candidate.where, question(candidate.where)))
            except NoDaemon as error:
                failures.append(str(error))
            else:
                if not candidate.is_share:
                    break
        if answers:
            return answers
        raise NoDaemon("\n".join([*failures, *([] if self.nowhere is None else [self.nowhere])]))


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
    tell_problems(loaded, config)
    part = load_part(config, os.environ, ("state",))
    if "state" not in part.known or not part.settings.state.exists():
        raise typer.Exit(EXIT_CONFIG)
    return part.settings, False


def daemon_of(config: Path, url: str | None, socket: Path | None) -> Daemon:
    """The daemon that the options name, else that of the configuration in ``config``.

    Exits with 78 where the configuration is wrong and does not say any more where its daemon is.
    """
    if url is not None or socket is not None:
        named: list[Where] = [*([] if url is None else [url.rstrip("/")]), *([] if socket is None else [socket])]
        return Daemon(tuple(map(Candidate, named)))
    from exporter.settings.loading.load import load
    from exporter.settings.loading.part import load_part
    from exporter.settings.loading.problems import Problems

    loaded = load(config, os.environ)
    if not isinstance(loaded, Problems):
        return daemon_with(loaded.settings, config)
    broken = loaded.render().splitlines()
    part = load_part(config, os.environ, ("ops", "state"))
    is_guess = "state" not in part.known and not isinstance(part.settings.ops.socket, Path)
    sockets = partial(_sockets, part.settings, config, is_guess=is_guess)
    places = sockets()
    if "ops" in part.known:
        places += _addresses(part.settings)[0]
    advice = "no running daemon can be found by it: give --socket or --url to ask one all the same"
    if not places:
        typer.echo("\n".join([*broken, advice]), err=True)
        raise typer.Exit(EXIT_CONFIG)
    nowhere = advice if all(place.is_guess for place in places) else None
    return Daemon(tuple(places), nowhere, tuple(broken), Runs(config, None), sockets)


def daemon_with(settings: Settings, config: Path) -> Daemon:
    """The daemon that runs ``settings``, which stand in the file ``config``."""
    addresses, nowhere = _addresses(settings)
    runs = Runs(config, frozenset(settings.groups))
    sockets = partial(_sockets, settings, config)
    return Daemon((*sockets(), *addresses), nowhere, (), runs, sockets)


def _sockets(settings: Settings, config: Path, *, is_guess: bool = False) -> list[Candidate]:
    """The sockets that are there: those of processes that run all destinations, then those of shares."""
    from exporter.settings.local_socket import is_ours, socket_paths, sockets_of_shares

    paths = socket_paths(settings, config)
    shares = [share for path in paths for share in sockets_of_shares(path)]
    return [
        *(Candidate(path, is_guess=is_guess) for path in paths if is_ours(path)),
        *(Candidate(path, is_share=True, is_guess=is_guess) for path in shares),
    ]


def _addresses(settings: Settings) -> tuple[list[Candidate], str | None]:
    from exporter.cli.shared.daemon_port import NoDaemon, base_url

    try:
        return [Candidate(base_url(settings.ops.host, settings.ops.port))], None
    except NoDaemon as error:
        return [], str(error)
