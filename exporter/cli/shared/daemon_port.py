"""Asks a daemon over its ops port or its socket, from another process on the same machine or elsewhere."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from exporter.sections.urls import http_address
from exporter.transport.requests.headers import own_headers
from exporter.transport.tls.contexts import HTTP, TlsFilesUnusable, client_context

if TYPE_CHECKING:
    from exporter.sections.tls import Tls

TIMEOUT_SECONDS: Final = 5.0
#: How long an action may take, which waits for the state.
ACTION_SECONDS: Final = 40.0

#: Where a daemon is asked: the URL of its ops port, or the path of its socket.
Where: TypeAlias = str | Path


class NoDaemon(Exception):
    """No daemon answered; the text says where and why."""


def base_url(host: str, port: int, key: str = "ops.port") -> str:
    """The URL of what listens at an address of the configuration: one that means "all" is asked as loopback.

    ``key`` is where the port stands in the configuration.

    Raises:
        NoDaemon: the port is 0, so only the daemon's log names the port.
    """
    if port == 0:
        raise NoDaemon(f"{key} is 0 in the configuration: give --url with the port that the daemon's log names")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return http_address(name, port)


def get_json(where: Where, path: str) -> Any:
    """The JSON that the daemon at ``where`` answers to GET ``path``.

    Raises:
        NoDaemon: ``where`` cannot be an ops port, no daemon answers, or the answer is not from an exporter.
    """
    status, _, body = exchange(where, "GET", path)
    if not 200 <= status < 300:
        raise NoDaemon(f"{where}{path} answers {status}: is an exporter listening there?")
    return _json(where, path, body)


def post_json(where: Where, path: str, value: Mapping[str, Any], token: str | None = None) -> tuple[int, Any]:
    """The status and the JSON that the daemon at ``where`` answers to POST ``path`` with ``value``, as JSON.

    ``token`` is that of ``ops.token``, which an ops port asks for and a socket does not. Raises as ``get_json``, but
    for no status.
    """
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    status, _, body = exchange(where, "POST", path, json.dumps(value).encode(), headers, ACTION_SECONDS)
    return status, _json(where, path, body)


def exchange(
    where: Where,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = TIMEOUT_SECONDS,
    tls: Tls | None = None,
) -> tuple[int, Mapping[str, str], bytes]:
    """The status, the headers by their names in lower case, and the body of the answer of what listens at ``where``.

    ``seconds`` is how long each part of the exchange may take; ``tls`` are the certificates for https, None for the
    system's authorities.

    Raises:
        NoDaemon: ``where`` cannot be asked, or there is no whole answer; the text names ``where``, not ``path``.
    """
    connection, prefix = connection_to(where, seconds, tls)
    try:
        connection.request(method, prefix + path, body, {**dict(own_headers()), **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NoDaemon(f"no daemon answers at {where}: {reason_of(error)}") from error
    finally:
        connection.close()


def _json(where: Where, path: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise NoDaemon(f"{where}{path} answers no JSON: is an exporter listening there?") from error


class _SocketConnection(http.client.HTTPConnection):
    """A connection to the socket at ``path``."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def connection_to(where: Where, seconds: float, tls: Tls | None = None) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, and what stands before every path.

    Raises:
        NoDaemon: ``where`` cannot be asked.
    """
    if isinstance(where, Path):
        return _SocketConnection(where, seconds), ""
    parts = urlsplit(where)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise NoDaemon(f"{where} is not the URL of an ops port, such as http://127.0.0.1:9464")
    prefix = parts.path.rstrip("/")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, port, timeout=seconds), prefix
    from exporter.sections.tls import Tls

    try:
        context = client_context(tls or Tls(), HTTP)
    except TlsFilesUnusable as error:
        raise NoDaemon(f"certificates cannot be used: {error}") from None
    return http.client.HTTPSConnection(parts.hostname, port, timeout=seconds, context=context), prefix


def reason_of(error: Exception) -> str:
    """Why an exchange failed, in words."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
