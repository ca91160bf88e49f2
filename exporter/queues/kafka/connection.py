"""How clients connect: addresses, TLS, SASL, time-outs; and why they could not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import create_conn

from exporter.queues.kafka.failures import CLIENT_ERRORS, reason

#: Longer than a rebalance may take, since a join waits for it.
REQUEST_SECONDS = 20.0
_DIAGNOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sasl:
    """Who we are. ``password`` and ``token`` are asked for each time a connection is made."""

    mechanism: str
    username: str | None
    password: Callable[[], str] | None = field(repr=False)
    token: Callable[[], str] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the brokers are, and how to talk to them."""

    servers: tuple[str, ...]
    client_id: str
    tls: ssl.SSLContext | None = None
    sasl: Sasl | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments for every kind of client."""
        return {
            "bootstrap_servers": list(self.servers),
            "client_id": self.client_id,
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            **self._security(),
        }

    def _security(self) -> dict[str, Any]:
        layers = ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        options: dict[str, Any] = {"security_protocol": layers, "ssl_context": self.tls}
        if self.sasl is not None:
            options["sasl_mechanism"] = self.sasl.mechanism
            options["sasl_plain_username"] = self.sasl.username
            options["sasl_plain_password"] = None if self.sasl.password is None else self.sasl.password()
            if self.sasl.token is not None:
                options["sasl_oauth_token_provider"] = _Tokens(self.sasl.token)
        return options

    async def why_not(self) -> str:
        """Why no broker can be reached: the client itself only says that it is so."""
        found = []
        for server in self.servers:
            host, _, port = server.rpartition(":")
            try:
                async with asyncio.timeout(_DIAGNOSE_SECONDS):
                    connection = await create_conn(host.strip("[]"), int(port), **self._security())
                connection.close()
            except ssl.SSLCertVerificationError as error:
                found.append(f"{server}: its certificate is not trusted: {error.verify_message}")
            except ssl.SSLError as error:
                found.append(f"{server}: TLS failed: {(error.reason or 'no reason given').lower().replace('_', ' ')}")
            except CLIENT_ERRORS as error:
                cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
                found.append(f"{server}: {reason(cause)}")
            else:
                found.append(f"{server}: it answers now")
        return "; ".join(found)


class _Tokens(AbstractTokenProvider):  # type: ignore[misc]
    """Gives the client the token as it is now, so that a file that is renewed works."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    async def token(self) -> str:
        """See ``AbstractTokenProvider``."""
        return self._read()
