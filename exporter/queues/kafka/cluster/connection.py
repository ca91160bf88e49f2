"""How clients connect: addresses, TLS, SASL, time-outs."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.queues.kafka.cluster.tokens import KeptTokens, Tokens, fetched_tokens
from exporter.queues.port import QueueUnavailable
from exporter.tasks.off_loop import off_loop
from exporter.transport.tls.contexts import TlsFilesUnusable, client_context

if TYPE_CHECKING:
    from exporter.queues.kafka.sasl import SaslSettings
    from exporter.queues.kafka.settings import KafkaSettings
    from exporter.sections.tls import Tls

#: Longer than a rebalance may take, since a join waits for the rebalance.
REQUEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Sasl:
    """Credentials. ``password`` is asked for with each client that is made, ``tokens`` with each connection."""

    mechanism: str
    username: str | None
    password: Callable[[], str] | None = field(repr=False)
    tokens: Tokens | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """The addresses of the brokers, and how to connect."""

    servers: tuple[str, ...]
    client_id: str
    tls: ssl.SSLContext | None = None
    sasl: Sasl | None = None
    badge: str = ""  # shown to the other members of a group

    def options(self) -> dict[str, Any]:
        """Keyword arguments for every kind of client."""
        return {
            "bootstrap_servers": list(self.servers),
            "client_id": self.client_id,
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            **self.security(),
        }

    def security(self) -> dict[str, Any]:
        """The options that a single connection takes too."""
        layers = ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        options: dict[str, Any] = {"security_protocol": layers, "ssl_context": self.tls}
        if self.sasl is not None:
            options["sasl_mechanism"] = self.sasl.mechanism
            options["sasl_plain_username"] = self.sasl.username
            options["sasl_plain_password"] = None if self.sasl.password is None else self.sasl.password()
            options["sasl_oauth_token_provider"] = self.sasl.tokens
        return options


@asynccontextmanager
async def connection_of(settings: KafkaSettings, badge: str, warn: Callable[[str], None]) -> AsyncIterator[Connection]:
    """The configured connection; leave all users of the connection before leaving this context.

    ``warn`` as for ``open_kafka``.

    Raises:
        QueueUnavailable: a certificate file cannot be used.
    """
    servers = tuple(server.strip() for server in settings.bootstrap_servers.split(","))
    async with AsyncExitStack() as stack:
        sasl = None if settings.sasl is None else await _sasl(settings.sasl, stack, warn)
        tls = None if settings.tls is None else await off_loop(_tls, settings.tls)
        yield Connection(servers, settings.client_id, tls, sasl, badge)


async def _sasl(settings: SaslSettings, stack: AsyncExitStack, warn: Callable[[str], None]) -> Sasl:
    tokens: Tokens | None = None
    if settings.auth is not None:
        tokens = await stack.enter_async_context(fetched_tokens(settings.auth, warn))
    elif settings.token is not None:
        tokens = KeptTokens(settings.token.current)
    password = None if settings.password is None else settings.password.current
    return Sasl(settings.mechanism, settings.username, password, tokens)


def _tls(settings: Tls) -> ssl.SSLContext:
    try:
        return client_context(settings)
    except TlsFilesUnusable as error:
        raise QueueUnavailable(str(error)) from error
