"""``--shard`` and ``--workers``: parsed, and checked against the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer

from exporter.cli.shared.config import EXIT_CONFIG
from exporter.sections.printable import counted

if TYPE_CHECKING:
    from exporter.daemon.workers.shard import Shard

LAST_PORT = 65_535

#: A count above the number of ports would be nonsense. Python's own parser takes signs, spaces and any script's digits.
_COUNT = re.compile("[0-9]{1,5}")


def shard_option(text: str | None) -> Shard | None:
    """The share that ``--shard`` names.

    Raises:
        typer.BadParameter: the text is no share; exits with 2.
    """
    from exporter.daemon.workers.shard import Shard

    if text is None:
        return None
    shard = Shard.parse(text)
    if shard is None:
        raise typer.BadParameter(
            f"{text!r} is no share: N/COUNT with 1 <= N <= COUNT <= 99999, such as 2/4", param_hint="--shard"
        )
    return shard


def workers_option(text: str, shard: Shard | None) -> int:
    """How many processes ``--workers`` asks for, at least 1.

    Raises:
        typer.BadParameter: the text is no count, or there is a shard too; exits with 2.
    """
    if text == "auto":
        from exporter.daemon.process.cores import usable

        count = usable()
    else:
        count = int(text) if _COUNT.fullmatch(text) else 0
    if count == 0:
        raise typer.BadParameter(f"{text!r} is no count of processes, nor auto", param_hint="--workers")
    if shard is not None and text != "1":
        raise typer.BadParameter("a shard runs in one process", param_hint="--workers")
    return count


def fewer_workers(asked: int, destinations: int) -> str | None:
    """Why fewer processes run than asked for; None where as many do. ``destinations``: how many are enabled."""
    if asked <= max(1, destinations):
        return None
    runs = counted(max(1, destinations), "process runs", "processes run")
    enabled = counted(destinations, "destination is", "destinations are") if destinations else "no destinations are"
    return f"{runs}, not {asked}: {enabled} enabled, and each stays whole in one process"


def refuse_ports_beyond(port: int, shard: Shard | None, workers: int) -> None:
    """Exit with 78 where a process would have a port above the last port.

    Args:
        port: the configured port; 0 is any.
        shard: the share of the process, whose port is ``port`` plus the number of the share.
        workers: the number of processes under the parent, which have the ports after ``port``.
    """
    last = port + (workers if shard is None else shard.number)
    if port == 0 or last <= LAST_PORT:
        return
    if shard is None:
        wanted = f"{counted(workers, 'worker takes the port', 'workers take the ports')} after {port}, up to {last}"
    else:
        wanted = f"share {shard} takes the port after {port} by {shard.number}, {last}"
    typer.echo(f"ops.port: {wanted}, but {LAST_PORT} is the last there is", err=True)
    raise typer.Exit(EXIT_CONFIG)
