"""Why the brokers cannot be used: the client often only says that something failed, and sometimes not even that."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiokafka.errors as errors
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator

from exporter.queues.kafka.check.port_probe import Listens, what_listens
from exporter.queues.kafka.cluster.connection import Connection
from exporter.queues.kafka.cluster.tokens import KeptTokens
from exporter.queues.kafka.failures import CLIENT_ERRORS, GivenUp, NoToken, reason
from exporter.queues.port import QueueUnavailable
from exporter.tasks.lifetimes import asked_to_end
from exporter.transport.tls.handshakes import handshake_failure

_SECONDS = 5.0
#: Errors that may hide another error: a connection could not be made, or ended, without a reason.
_HIDING = (
    errors.KafkaConnectionError,
    errors.NodeNotReadyError,
    errors.RequestTimedOutError,
    errors.KafkaTimeoutError,
    errors.GroupCoordinatorNotAvailableError,
    errors.StaleMetadata,
    errors.IllegalSaslStateError,  # also what the client makes of a token that was refused
    TimeoutError,
)


@asynccontextmanager
async def diagnosed(
    doing: str, connection: Connection, advertised: Callable[[], Sequence[str]] = tuple
) -> AsyncIterator[None]:
    """Let the client's errors out as ``QueueUnavailable``, with ``doing`` and the cause.

    Where the client lost or never got a connection, each configured broker is tried once; if all take a connection, so
    is each broker that the cluster has ``advertised`` by then.

    Raises:
        QueueUnavailable: with a reason that holds no secret and no event.
    """
    try:
        yield
    except CLIENT_ERRORS as error:
        raise QueueUnavailable(f"{doing}: {await cause(error, connection, advertised)}") from error
    except asyncio.CancelledError as error:
        if asked_to_end():
            raise
        raise QueueUnavailable(f"{doing}: {reason(GivenUp())}") from error


async def cause(error: BaseException, connection: Connection, advertised: Callable[[], Sequence[str]] = tuple) -> str:
    """The cause of ``error``, short; tries the brokers where the error does not name the cause."""
    if not isinstance(error, _HIDING):
        return reason(error)
    found = await trouble(connection)
    if not found:
        others = [server for server in advertised() if server not in connection.servers]
        found = await _all_trouble(others, connection)
        found = found and f"the cluster names brokers that do not work from here (advertised.listeners): {found}"
    return found or reason(error)


async def trouble(connection: Connection) -> str:
    """The trouble of the configured brokers with new connections; empty if there is none."""
    return await _all_trouble(connection.servers, connection)


async def _all_trouble(servers: Sequence[str], connection: Connection) -> str:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_trouble(server, connection)) for server in servers]
    return "; ".join(found for each in asked if (found := each.result()) is not None)


async def _trouble(server: str, connection: Connection) -> str | None:
    """The trouble of a broker with a new connection, and the remedy; None if there is no trouble."""
    try:
        async with asyncio.timeout(_SECONDS):
            await _connect(server, connection)
    except NoToken as error:
        return reason(error)
    except CLIENT_ERRORS as error:
        return f"{server}: {await _why(error, server, connection)}"
    if connection.tls is not None or connection.sasl is not None:
        return None
    misfit = await _misfit(server, connection)  # the broker may take connections, and hang up at the first request
    return misfit and f"{server}: {misfit}"


async def _why(error: BaseException, server: str, connection: Connection) -> str:
    """Why connecting failed, with the remedy."""
    handshake = _handshake_error(error)
    if handshake is not None and "WRONG_VERSION" not in (handshake.reason or ""):
        return handshake_failure(handshake, "bootstrap_servers")
    if isinstance(error, ConnectionRefusedError):
        return f"{reason(error)}; does Kafka run there? Check `bootstrap_servers`"
    if isinstance(error, socket.gaierror):
        return f"{reason(error)}; check `bootstrap_servers`"
    misfit = None
    if isinstance(error, (*_HIDING, OSError)):
        misfit = await _misfit(server, connection)
    return reason(error) if misfit is None else f"{reason(error)}; {misfit}"


async def _misfit(server: str, connection: Connection) -> str | None:
    """How the listener differs from the configuration, and which key to look at; None if no difference was found."""
    try:
        found = await what_listens(*_host_and_port(server))
    except OSError:
        return None
    match found:
        case Listens.SOMETHING_ELSE:
            return "what listens there hangs, or is no Kafka broker: check `bootstrap_servers`"
        case Listens.TLS if connection.tls is None:
            return "it speaks TLS there: set `tls`"
        case Listens.TLS:
            return "does it want a certificate? Set `tls.client_cert_file`" if connection.sasl is None else None
        case _ if connection.tls is not None:
            return "it speaks no TLS there: remove `tls`, or name its TLS port in `bootstrap_servers`"
        case Listens.BROKER_THAT_WANTS_SASL if connection.sasl is None:
            return "it wants to know who we are: set `sasl`"
        case Listens.BROKER if connection.sasl is not None:
            return "it lets anybody in there: remove `sasl`, or name its SASL port in `bootstrap_servers`"
        case _:
            return None


def _handshake_error(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _host_and_port(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


async def _connect(server: str, connection: Connection) -> None:
    """Connect and log in; a token that is refused is given up.

    Raises:
        NoToken: there is no token to present.
        CLIENT_ERRORS: connecting failed.
    """
    options = connection.security()
    tokens = None if connection.sasl is None else connection.sasl.tokens
    token = None if tokens is None else await tokens.token()
    if token is not None:
        options["sasl_oauth_token_provider"] = KeptTokens(lambda: token)
    connected = _Connection(*_host_and_port(server), **options)
    try:
        await connected.connect()
    except errors.SaslAuthenticationFailed:
        if tokens is not None and token is not None:
            with suppress(NoToken):
                await tokens.refused(token)
        raise
    finally:
        connected.close()


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    def authenticator_oauth(self) -> _OAuth:
        return _OAuth(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


class _OAuth(OAuthAuthenticator):  # type: ignore[misc]
    """Recognises a refused token: the broker's answer has content (RFC 7628 §3.2.3), and the broker hangs up at the
    next request. The client takes any answer for success."""

    async def step(self, payload: bytes | None) -> Any:
        if payload:
            raise errors.SaslAuthenticationFailed
        return await super().step(payload)
