"""Lines that daemons write without end, read at the same time from all that were asked."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from exporter.cli.shared.daemon_port import TIMEOUT_SECONDS, NoDaemon, Where, connection_to, reason_of
from exporter.sections.printable import printable
from exporter.transport.requests.headers import own_headers

PATH: Final = "/attempts"
#: A daemon writes a line every few seconds, an empty one if need be: where none comes for so long, it is gone.
SILENT_SECONDS: Final = 20.0
#: Lines that were read and are not shown yet; beyond that it is the daemon that waits, and loses lines.
_AHEAD: Final = 1000


class UnknownDestination(Exception):
    """The daemon runs no destination of that name; the text says so, with a guess of what was meant."""


class Stream(NamedTuple):
    """An answer that goes on, of the daemon at ``where``."""

    where: Where
    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse


class Line(NamedTuple):
    """A line of the daemon at ``where``; or, where ``value`` is None, that none will come any more, and ``why``."""

    where: Where
    value: Mapping[str, Any] | None
    why: str = ""


def opened(where: Where, destination: str | None, *, bodies: bool, token: str | None) -> Stream:
    """Ask the daemon at ``where`` for the attempts at ``destination``, or at all.

    Raises:
        NoDaemon: no daemon answers, or not as one of this version would, or it shows no attempts to this command.
        UnknownDestination: there is no such destination.
    """
    connection, prefix = connection_to(where, TIMEOUT_SECONDS)
    query = urlencode({"bodies": int(bodies)} | ({} if destination is None else {"destination": destination}))
    headers = dict(own_headers()) | ({} if token is None else {"Authorization": f"Bearer {token}"})
    try:
        connection.request("GET", f"{prefix}{PATH}?{query}", headers=headers)
        answer = connection.getresponse()
        if answer.status == 200:
            if connection.sock is not None:
                connection.sock.settimeout(SILENT_SECONDS)
            return Stream(where, connection, answer)
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise NoDaemon(f"no daemon answers at {where}: {reason_of(error)}") from error
    connection.close()
    raise _refused(where, status, body)


def _refused(where: Where, status: int, body: bytes) -> NoDaemon | UnknownDestination:
    try:
        told = json.loads(body)
        error = printable(str(told["error"])) if isinstance(told, dict) and "error" in told else None
    except ValueError:
        error = None
    if error is None:
        older = status == 404
        why = "the daemon there is older than this command" if older else "is an exporter listening there?"
        return NoDaemon(f"{where}{PATH} answers {status}: {why}")
    if status == 404:
        return UnknownDestination(error)
    hint = ": give it by --token or EXPORTER_OPS_TOKEN" if status == 401 else ""
    return NoDaemon(f"{where}{PATH} answers {status}: {error}{hint}")


def followed(streams: Sequence[Stream]) -> Iterator[Line]:
    """The lines of all ``streams`` as they come, until every one has ended."""
    lines: queue.Queue[Line] = queue.Queue(_AHEAD)
    for stream in streams:
        threading.Thread(target=_read, args=(stream, lines.put), daemon=True).start()
    left = len(streams)
    while left:
        line = lines.get()
        left -= line.value is None
        yield line


def _read(stream: Stream, put: Any) -> None:
    """Hand every line to ``put``, and last why there are no more."""
    why = "the connection has ended"
    try:
        while text := stream.answer.readline():
            if not text.strip():
                continue
            value = json.loads(text)
            if not isinstance(value, dict):
                raise ValueError("no object")
            put(Line(stream.where, value))
    except TimeoutError:
        why = f"it has said nothing for {SILENT_SECONDS:.0f} s"
    except (OSError, http.client.HTTPException) as error:
        why = reason_of(error)
    except ValueError:
        why = "it writes something else: is an exporter listening there?"
    finally:
        put(Line(stream.where, None, why))
