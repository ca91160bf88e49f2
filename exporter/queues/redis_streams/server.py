"""The connection to Redis: commands, scripts and transactions, every failure as ``QueueUnavailable`` in short words."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - the library's name
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from exporter.delivery.tls import TlsFileProblem, client_context
from exporter.printable import printable
from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.settings.section import FromFile, Secret

Argument = str | bytes | int

#: For one call, with connecting. Above every BLOCK, so that an idle stream is no time-out.
ANSWER_SECONDS = 5.0
BLOCK_SECONDS = 2.0
_CONNECTIONS = 32
_REASON_CHARACTERS = 300


class NoSuchGroup(QueueUnavailable):
    """The stream, or the group on it, is not there."""


class OutOfMemory(QueueUnavailable):
    """Redis is at its ``maxmemory`` and refused to write; nothing of the call was done."""


class Script:
    """A Lua script; Redis runs it as a whole, with nobody between."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Server:
    """What the rest of this folder says to Redis. Made by ``connected``; replies are as Redis sent them."""

    def __init__(self, redis: Redis, address: str, username: str | None) -> None:
        self._redis = redis
        # The library's types promise too much and too little here; replies are taken apart where they are used.
        self._execute: Callable[..., Any] = redis.execute_command
        self.address = address
        self._username = username or "default"

    async def call(self, *command: Argument) -> Any:
        """Run one command. Raises QueueUnavailable."""
        async with self._call():
            return await self._execute(*command)

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run a script. Raises QueueUnavailable."""
        async with self._call():
            try:
                return await self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    async def together(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run commands in one transaction: all or none. Raises QueueUnavailable."""
        async with self._call(), self._redis.pipeline(transaction=True) as pipeline:
            queue: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                queue(*command)
            return list(await pipeline.execute())

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        # Without the cause: the library's texts may carry a command's arguments, which are people's data.
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield
        except OutOfMemoryError:
            raise OutOfMemory("Redis is out of memory (maxmemory)") from None
        except ResponseError as error:
            text = str(error)
            if text.startswith("NOGROUP") or "no such key" in text:
                raise NoSuchGroup("the stream or the group is not there") from None
            raise QueueUnavailable(self._reason(error)) from None
        except (RedisError, OSError, TimeoutError, asyncio.TimeoutError) as error:  # noqa: UP041 - two of them
            raise QueueUnavailable(self._reason(error)) from None

    def _reason(self, error: Exception) -> str:
        text = str(error)
        if "WRONGPASS" in text or "invalid username-password" in text:
            return f"{self.address}: Redis refused the password of user {printable(self._username)}"
        if isinstance(error, AuthenticationError) or "NOAUTH" in text:
            return f"{self.address}: Redis wants a user and a password, or refuses those that it was given"
        if "EXEC without MULTI" in text:
            return f"user {printable(self._username)} lacks a permission (ACL): MULTI was refused"
        if isinstance(error, NoPermissionError) or "NOPERM" in text or "executing the script can't" in text:
            return f"user {printable(self._username)} lacks a permission (ACL): {_said(text)}"
        if isinstance(error, BusyLoadingError):
            return f"{self.address}: Redis is still loading its data"
        if isinstance(error, ReadOnlyError):
            return f"{self.address}: this Redis is a read-only replica; name its primary"
        if isinstance(error, TimeoutError | asyncio.TimeoutError):
            return f"{self.address} does not answer within {ANSWER_SECONDS:g} s"
        if isinstance(error, ConnectionError | OSError):
            return f"{self.address} cannot be reached: {_why_unreachable(error)}"
        if "WRONGTYPE" in text:
            return "a key that should be the stream, or the exporter's own, is of another type"
        return f"{self.address}: Redis refuses: {_said(text)}"


class _Credentials(CredentialProvider):
    """User and password for each new connection; a password's ``!file`` is read again, so that it may be changed."""

    def __init__(self, username: str | None, password: Secret) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._password.reveal()
        if self._password.file is not None:
            with suppress(OSError, UnicodeDecodeError):
                password = str(FromFile.read(self._password.file))
        return (password,) if self._username is None else (self._username, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


@asynccontextmanager
async def connected(settings: RedisSettings) -> AsyncIterator[Server]:
    """Connections to the Redis that is configured, made when they are needed.

    Raises:
        QueueUnavailable: a certificate's file cannot be used.
    """
    url = settings.url
    username = settings.username or url.username
    pool = BlockingConnectionPool(max_connections=_CONNECTIONS, timeout=ANSWER_SECONDS, **_how(settings, username))
    redis = Redis(connection_pool=pool)
    redis.response_callbacks.clear()  # replies as they are: no guessing which shape a release gives them
    try:
        yield Server(redis, url.path or f"{url.host}:{url.port}", username)
    finally:
        # A connection that breaks while it is closed is closed.
        with suppress(RedisError, OSError):
            await redis.aclose()
            await pool.disconnect()


def _how(settings: RedisSettings, username: str | None) -> dict[str, Any]:
    url, tls = settings.url, settings.tls
    password = settings.password or url.password
    how: dict[str, Any] = {
        "db": url.database,
        "protocol": 2,
        # Deadlines are ours: with one of its own the library sends through ``asyncio.wait_for``, which in Python 3.11
        # swallows a cancellation that comes in the same turn as the end of what it waits for.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # A read whose answer was lost must not be made again by itself: what it took stands in the pending list.
        "retry": Retry(NoBackoff(), 0),
    }
    if password is not None:
        how["credential_provider"] = _Credentials(username, password)
    if url.path is not None:
        return {**how, "path": url.path, "connection_class": UnixDomainSocketConnection}
    how |= {"host": url.host, "port": url.port, "socket_keepalive": True}
    if not url.tls:
        return {**how, "connection_class": Connection}
    problem = client_context(
        ca_file=tls.ca_file, client_cert_file=tls.client_cert_file, client_key_file=tls.client_key_file
    )
    if isinstance(problem, TlsFileProblem):
        raise QueueUnavailable(f"{problem.file}: {problem.reason}")
    key = tls.client_key_file or tls.client_cert_file
    return {
        **how,
        "connection_class": SSLConnection,
        "ssl_ca_certs": None if tls.ca_file is None else str(tls.ca_file),
        "ssl_certfile": None if tls.client_cert_file is None else str(tls.client_cert_file),
        "ssl_keyfile": None if key is None else str(key),
        "ssl_check_hostname": True,
    }


def _said(text: str) -> str:
    """Redis's own words, without the arguments that it repeats and without a script's whereabouts."""
    for end in (", with args beginning with", " script: "):
        text = text.partition(end)[0]
    return printable(text[:_REASON_CHARACTERS])


def _why_unreachable(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"TLS: its certificate is not good: {printable(seen.verify_message)}"
        if isinstance(seen, ssl.SSLError):
            return f"TLS: {printable((seen.reason or 'failed').lower().replace('_', ' '))}"
        if isinstance(seen, socket.gaierror):
            return printable((seen.strerror or "its name cannot be resolved").lower())
        if isinstance(seen, OSError) and seen.errno is not None:
            return os.strerror(seen.errno).lower()
        seen = seen.__cause__ or seen.__context__
    return _said(str(error)) or "the connection broke"
