"""What commands share that run until they are told to stop: their log, and the exit code of a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast

import typer

from exporter.cli.shared.config import EXIT_CONFIG

if TYPE_CHECKING:
    from exporter.settings.loading.load import Loaded
    from exporter.settings.loading.problems import Problems
    from exporter.telemetry.log_writer import LogWriter
    from exporter.telemetry.logs import Log
    from exporter.telemetry.threshold import Threshold

Form: TypeAlias = Literal["auto", "text", "json"]

LogLevelOption = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option(help="Write lines from this level on: debug, info, warning or error; without it as log.level says."),
]
LogFormatOption = Annotated[
    Form | None,
    typer.Option(
        help="Write text, json, or with auto text on a terminal and JSON elsewhere; without it as log.format says."
    ),
]


def is_text(form: Form) -> bool:
    """Whether a log of that form is text on this stderr."""
    return form == "text" or (form == "auto" and sys.stderr.isatty())


def exit_code(run: Callable[[], Coroutine[Any, Any, int]], log: Log) -> int:
    """Run to the end; where that is a failure, log why."""
    import asyncio

    from exporter.daemon.failures import causes, loop_heard, told, trace
    from exporter.daemon.ops.port import OpsUnavailable
    from exporter.daemon.process.event_loop import new_event_loop
    from exporter.daemon.serving.refusals import CannotServe, CertificateUnusable, StoresDoNotFit
    from exporter.daemon.shared_state import StateNotShared
    from exporter.database import DatabaseRefused

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.get_loop().set_exception_handler(loop_heard(log))
            code = runner.run(run())
    except* (DatabaseRefused, OpsUnavailable, CannotServe) as errors:
        for error in causes(errors):
            log.error("cannot start", detail=str(error))
        code = 1
    except* (StateNotShared, StoresDoNotFit, CertificateUnusable) as errors:
        for detail in dict.fromkeys(map(str, causes(errors))):
            log.error("refused", detail=detail)
        code = EXIT_CONFIG
    except* Exception as errors:
        log.error("ended by a bug", detail=told(errors), trace=trace(errors))
        code = 1
    return code


@contextmanager
def logging_to_stderr(text: bool, threshold: Threshold, bound: Mapping[str, str]) -> Iterator[tuple[Log, LogWriter]]:
    """The log of the process, on stderr, with all other text that would be written to stderr.

    ``bound`` stands in every line. Exits with 1 where no thread can be started for the log.
    """
    from exporter.daemon.failures import threads_heard
    from exporter.telemetry.held_back import HeldBack
    from exporter.telemetry.log_writer import log_writer
    from exporter.telemetry.logs import configure, lost_line

    colours = sys.stderr.isatty()
    with ExitStack() as ending:
        try:
            writer = ending.enter_context(log_writer(sys.stderr.fileno(), lost_line(text, colours=colours, **bound)))
        except RuntimeError as error:
            typer.echo(f"cannot start: no thread can be started ({error})", err=True)
            raise typer.Exit(1) from error
        held = HeldBack()
        log: Log = configure(writer, text, threshold, colours=colours, held=held).bind(**bound)
        writer.regularly(held.next_seconds, lambda: held.tell(log))
        ending.callback(held.tell, log, all_of_it=True)
        # Text that Python itself writes to stderr (warnings, say) would wait for a reader, too.
        with redirect_stderr(cast(Any, writer)), threads_heard(log):
            yield log, writer


def load_again(config: Path, share: Callable[[Loaded], Loaded] = lambda loaded: loaded) -> Loaded | Problems:
    """Read the configuration for a process that runs; ``share`` takes from it what is for that process."""
    from exporter.daemon.failures import told
    from exporter.settings.loading.load import load
    from exporter.settings.loading.problems import Problem, Problems

    try:
        again = load(config, os.environ)
    except Exception as error:
        # A bug in reading a new configuration must not end the running daemon.
        return Problems((Problem(str(config), None, (), f"it cannot be read: {told(error)}"),))
    # Whoever asks the daemon stands in another folder.
    return again.from_the_root() if isinstance(again, Problems) else share(again)
