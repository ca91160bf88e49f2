"""Connections to a Redis server: commands, scripts and transactions."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import NoScriptError, RedisError

from exporter.redis_server.access import RedisAccess
from exporter.redis_server.failures import ANSWER_SECONDS, RedisUnavailable, translated
from exporter.redis_server.permissions import Argument, Asked
from exporter.sections.section import Secret
from exporter.tasks.late_deadlines import answered_within
from exporter.tasks.off_loop import off_loop
from exporter.transport.tls.contexts import TlsFilesUnusable, client_context

__all__ = ["Argument", "Script", "Server", "connected"]

#: Gives the exception to raise for a failure of Redis.
Failed = Callable[[RedisUnavailable], Exception]

_CONNECTIONS = 32


class Script:
    """A Lua script; Redis runs a script as a whole, with no command between."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def of(cls, package: str, *names: str) -> Script:
        """The script in files of ``package``: ``<name>.lua`` for each of ``names``, joined in order."""
        files = resources.files(package)
        return cls("".join(files.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in names))


class Server:
    """The commands to Redis. Made by ``connected``; replies are as Redis sent them."""

    def __init__(self, redis: Redis, address: str, username: str | None, failed: Failed) -> None:
        self._redis = redis
        self._failed = failed
        # The library's types promise too much and too little here; replies are taken apart at the place of use.
        self._execute: Callable[..., Any] = redis.execute_command
        self.address = address
        self._username = username or "default"
        self._encrypted = issubclass(redis.connection_pool.connection_class, SSLConnection)

    async def call(self, *command: Argument) -> Any:
        """Run a command.

        Raises:
            Exception: what ``failed`` of ``connected`` gave: Redis cannot be reached, or refuses.
        """
        async with self._call(Asked((command,))):
            return await self._execute(*command)

    async def run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run a script. Raises as ``call``."""
        async with self._call(Asked(script=script.text, keys=keys)):
            try:
                return await self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    async def together(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run commands in a transaction: all or none. Raises as ``call``."""
        async with self._call(Asked(commands)), self._redis.pipeline(transaction=True) as pipeline:
            queue: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                queue(*command)
            return list(await pipeline.execute())

    @asynccontextmanager
    async def _call(self, asked: Asked) -> AsyncIterator[None]:
        try:
            async with answered_within(ANSWER_SECONDS):
                yield
        except Exception as error:
            # Of all kinds, since only the library runs here: to uvloop a connection that is closed is a RuntimeError.
            said = translated(error, self.address, self._username, asked, encrypted=self._encrypted)
            raise self._failed(said) from None


class _Encrypted(SSLConnection):
    """Verifies by our own context: the library's trusts the system's authorities beside those of ``ca_file``."""

    def __init__(self, *, verifying: ssl.SSLContext, **how: Any) -> None:
        super().__init__(**how)
        self.ssl_context.context = verifying


class _Credentials(CredentialProvider):
    """User and password for each new connection; a password's ``!file`` is read again, so that the file may change."""

    def __init__(self, username: str | None, password: Secret) -> None:
        self._username = username
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._password.current()
        return (password,) if self._username is None else (self._username, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return await off_loop(self.get_credentials)


@asynccontextmanager
async def connected(access: RedisAccess, failed: Failed) -> AsyncIterator[Server]:
    """Connections to the configured Redis, made when needed; ``failed`` puts failures in the words of the caller.

    Raises:
        Exception: what ``failed`` gave: a certificate's file cannot be used.
    """
    url = access.url
    username = access.username or url.username
    try:
        how = await off_loop(_how, access, username)
    except RedisUnavailable as error:
        raise failed(error) from None
    pool = BlockingConnectionPool(max_connections=_CONNECTIONS, timeout=ANSWER_SECONDS, **how)
    redis = Redis(connection_pool=pool)
    redis.response_callbacks.clear()  # raw replies: no guessing which shape a release gives
    try:
        yield Server(redis, url.path or f"{url.host}:{url.port}", username, failed)
    finally:
        # A connection that breaks while being closed is closed.
        with suppress(RedisError, OSError, RuntimeError):
            await redis.aclose()
            await pool.disconnect()


def _how(access: RedisAccess, username: str | None) -> dict[str, Any]:
    url = access.url
    password = access.password or url.password
    how: dict[str, Any] = {
        "db": url.database,
        "protocol": 2,
        # ``_call`` sets deadlines: with a deadline of its own the library sends through ``asyncio.wait_for``, which in
        # Python 3.11 swallows a cancellation that comes in the same turn as the awaited end.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # A call whose answer was lost must not be made again unasked: Redis may have done the work already.
        "retry": Retry(NoBackoff(), 0),
    }
    if password is not None:
        how["credential_provider"] = _Credentials(username, password)
    if url.path is not None:
        return {**how, "path": url.path, "connection_class": UnixDomainSocketConnection}
    how |= {"host": url.host, "port": url.port, "socket_keepalive": True}
    if not url.tls:
        return {**how, "connection_class": Connection}
    try:
        context = client_context(access.tls)
    except TlsFilesUnusable as error:
        raise RedisUnavailable(str(error)) from error
    return {**how, "connection_class": _Encrypted, "verifying": context}
