"""Structured logs: text for people on a terminal, one JSON object a line for machines otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set
from typing import Any, Protocol

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from exporter.sections.printable import printable
from exporter.sections.section import MASK, FromFile, Secret
from exporter.telemetry.held_back import HeldBack
from exporter.telemetry.threshold import Level, Threshold
from exporter.telemetry.traces import calls

#: The type of loggers; ``log.bind(destination=name)`` gives the logger of a dataflow.
Log = FilteringBoundLogger


class Stream(Protocol):
    """The target of log lines."""

    def write(self, text: str, /) -> object:
        """Take a text."""

    def flush(self) -> object:
        """Hand on the taken texts."""


def configure(
    stream: Stream,
    tty: bool,
    level: Level | Threshold = "info",
    *,
    colours: bool = True,
    held: HeldBack | None = None,
) -> Log:
    """Make the logger of this process, and send the logs of libraries, from warning up, through the logger.

    Takes the stream to write to (stderr: stdout belongs to results), whether people read the stream on a terminal, the
    lowest level to write, which a ``Threshold`` may change later, whether a terminal may be coloured, and what holds
    lines back, if anything does. Every line
    has ``timestamp`` (ISO 8601, UTC), ``level`` and ``event``. Values go through ``guarded`` first, so no line shows a
    secret or a body.
    """
    threshold = level if isinstance(level, Threshold) else Threshold(level)
    log: Log = structlog.wrap_logger(
        _Lines(stream),
        processors=[threshold, *([] if held is None else [held]), *_processors(tty, colours)],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        context_class=dict,
        cache_logger_on_first_use=False,
    ).bind()
    _route_libraries(log)
    return log


def lost_line(tty: bool, *, colours: bool = True, **bound: object) -> Callable[[int], str]:
    """A function that makes the line in place of lines which could not be written."""
    log = structlog.wrap_logger(structlog.ReturnLogger(), processors=_processors(tty, colours)).bind(**bound)
    return lambda lines: f"{log.error('log lines lost', lines=lines)}\n"


def _processors(tty: bool, colours: bool) -> list[Processor]:
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _guard,
    ]
    if tty:
        processors.append(
            # The renderer's default for exceptions shows local variables, which hold tokens and profiles.
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
        )
    else:
        processors += [structlog.processors.format_exc_info, _as_json]
    return processors


def guarded(value: object) -> Any:
    """``value`` as plain data that may be logged.

    Secrets, and all values from a ``!file``, are masked; bytes are only counted, since they are bodies; text has its
    control characters escaped; a type that is not plain data becomes its repr.
    """
    match value:
        case Secret() | FromFile():
            return MASK
        case None | bool() | int() | float():
            return value
        case str():
            return printable(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case Mapping():
            return {printable(str(key)): guarded(item) for key, item in value.items()}
        case list() | tuple():
            return [guarded(item) for item in value]
        case Set():
            return sorted((guarded(item) for item in value), key=str)
        case _:
            return printable(repr(value))


class _Lines:
    """Writes lines; a log that cannot be written (a full disk, a closed pipe) must not stop exports."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = log = msg


class _Bridge(logging.Handler):
    """Hands log records of libraries, made with the standard library, to the exporter's logger.

    Of an exception, the text is left out: it may quote a profile.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fault = {} if error is None else {"detail": type(error).__name__, "trace": calls(error)}
        self._log.log(record.levelno, record.getMessage(), logger=record.name, **fault)


def _route_libraries(log: Log) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge(log))


def _guard(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = {name: guarded(event[name]) for name in ("timestamp", "level", "event") if name in event}
    rest = {
        name: value if name == "exc_info" else guarded(value)
        for name, value in event.items()
        if name not in first and not (name == "exc_info" and not value)
    }
    return first | rest


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=repr).decode()
