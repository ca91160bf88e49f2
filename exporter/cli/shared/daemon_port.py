"""Asks the daemon's ops port, from another process on the same machine or elsewhere."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from exporter.sections.urls import http_address
from exporter.transport.requests.headers import own_headers
from exporter.transport.tls.contexts import HTTP, TlsFilesUnusable, client_context

TIMEOUT_SECONDS = 5.0


class NoDaemon(Exception):
    """No daemon answered; the text says where and why."""


def base_url(host: str, port: int) -> str:
    """The URL of a daemon with this ``ops`` section: an address that means "all" is asked as loopback.

    Raises:
        NoDaemon: the port is 0, so only the daemon's log names the port.
    """
    if port == 0:
        raise NoDaemon("ops.port is 0 in the configuration: give --url with the port that the daemon's log names")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return http_address(name, port)


def get_json(url: str, path: str) -> Any:
    """The JSON that the daemon at ``url`` answers to GET ``path``.

    Raises:
        NoDaemon: ``url`` cannot be an ops port, no daemon answers, or the answer is not from an exporter.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise NoDaemon(f"{url} is not the URL of an ops port, such as http://127.0.0.1:9464")
    connection = _connection(parts.scheme, parts.hostname, port)
    try:
        connection.request("GET", parts.path.rstrip("/") + path, headers=dict(own_headers()))
        answer = connection.getresponse()
        body = answer.read()
        if not 200 <= answer.status < 300:
            raise NoDaemon(f"{url}{path} answers {answer.status}: is an exporter listening there?")
        return json.loads(body)
    except (OSError, http.client.HTTPException) as error:
        raise NoDaemon(f"no daemon answers at {url}: {_reason(error)}") from error
    except ValueError as error:
        raise NoDaemon(f"{url}{path} answers no JSON: is an exporter listening there?") from error
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    from exporter.sections.tls import Tls

    try:
        context = client_context(Tls(), HTTP)
    except TlsFilesUnusable as error:
        raise NoDaemon(f"the system's certificate authorities cannot be read: {error.reason}") from None
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
