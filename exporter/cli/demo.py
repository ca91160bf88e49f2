"""``exporter demo``: the whole exporter on one machine, with a summary at the end."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from exporter.receiver.demo.summary import Summary

T = TypeVar("T")


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with the journal and the log.")] = False,
) -> None:
    """Show the exporter at work here, in about 20 seconds.

    Raw records are posted to `exporter serve`, which makes profiles of them and puts the changes on a journal in a
    temporary folder; sample events join them there. The real daemon exports all of it to a receiver that demands OAuth2
    client credentials, fails some requests with 503 and 429, and lets a token expire. At the end stand a payload as it
    was received, a table of what became of every record and event, and the verdict. Exits with 1 if one was lost,
    repeated or overtaken.
    """
    import asyncio
    import shutil
    import tempfile
    from pathlib import Path

    import orjson

    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.queues.port import QueueFull, QueueUnavailable
    from exporter.receiver.demo.play import DemoFailed, play
    from exporter.receiver.demo.process import DaemonFailed

    folder = Path(tempfile.mkdtemp(prefix="exporter-demo-"))
    try:
        summary = asyncio.run(_until_terminated(play(folder, _tell)))
    except asyncio.CancelledError:
        raise typer.Exit(1) from None
    except (
        DemoFailed,
        DaemonFailed,
        DatabaseRefused,
        DatabaseUnavailable,
        QueueFull,
        QueueUnavailable,
        OSError,
    ) as error:
        typer.echo(f"exporter demo: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        if keep:
            _tell(f"the files are kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(summary.document(), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
        for sentence in summary.broken():
            typer.echo(f"exporter demo: {sentence}", err=True)
    else:
        show(summary)
    raise typer.Exit(1 if summary.broken() else 0)


def show(summary: Summary) -> None:
    """Print a payload, the table and the verdict, the last of which fit a screen of 24 lines."""
    from exporter.cli.shared.look.screen import standard_output, toned
    from exporter.cli.shared.look.table import Column, Rows
    from exporter.cli.shared.shown import body_text

    typer.echo(f"One of the received payloads:\n\n{body_text(summary.payload)}\n")
    screen = standard_output()
    columns = (Column("WHAT"), Column("COUNT", right=True), Column("NOTE", folds=20))
    Rows(columns, screen).show(summary.rows())
    typer.echo()
    broken = summary.broken()
    for sentence in broken:
        typer.echo(f"exporter demo: {sentence}", err=True)
    screen.show(toned(summary.verdict(), "bad" if broken else "good"))


def _tell(line: str) -> None:
    typer.echo(f"· {line}", err=True)


async def _until_terminated(play: Coroutine[Any, Any, T]) -> T:
    """The result of ``play``; SIGTERM cancels the demo, so that neither daemon nor folder outlives the demo."""
    import asyncio
    import signal

    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await play
