"""The failures of a Redis server, in short words without data; queue and state each make their own errors of them."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterError,
    InvalidResponse,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - the library's name
)

from exporter.redis_server.permissions import Asked, lacking, without_arguments
from exporter.sections.printable import printable
from exporter.transport.tls.handshakes import handshake_failure

#: For a call, with connecting.
ANSWER_SECONDS = 5.0
_REASON_CHARACTERS = 300
_ERRNO = re.compile(r"Error (\d+) ")


class RedisUnavailable(Exception):
    """Redis cannot be reached, or refuses; the same call may succeed later."""


class RedisHasNoSuchGroup(RedisUnavailable):
    """The stream, or the stream's group, is not there."""


class RedisOutOfMemory(RedisUnavailable):
    """Redis is at its ``maxmemory`` and refused to write; nothing of the call was done."""


def translated(error: Exception, address: str, username: str, asked: Asked, *, encrypted: bool) -> RedisUnavailable:
    """Translate an error of the library: what is wrong, and which key of the configuration to look at.

    ``asked`` is the request to Redis, of which commands and keys are named. The cause is to be left out: the library's
    text may carry arguments, people's data.
    """
    if isinstance(error, OutOfMemoryError):
        return RedisOutOfMemory("Redis is out of memory: raise its maxmemory, or let what is queued be read")
    if isinstance(error, ResponseError) and (str(error).startswith("NOGROUP") or "no such key" in str(error)):
        return RedisHasNoSuchGroup("the stream or the group is not there")
    said = _refusal(error, address, username, asked) or _unreachable(error, address, encrypted=encrypted)
    return RedisUnavailable(said)


def _refusal(error: Exception, address: str, username: str, asked: Asked) -> str | None:
    """The refusal of Redis, with a remedy; None where Redis did not answer, or something else did."""
    text = str(error)
    user = printable(username)
    if "WRONGPASS" in text or "invalid username-password" in text:
        return f"{address}: Redis refused the password of user {user}: check `username` and `password`"
    if "without any password configured" in text:
        return f"{address}: Redis knows no password for user {user}: remove `password`, or name another `username`"
    if isinstance(error, AuthenticationError) or "NOAUTH" in text:
        return f"{address}: Redis wants a user and a password: set `username` and `password`"
    if isinstance(error, ResponseError) and (missing := lacking(text, asked)):
        return f"user {user} lacks a permission (ACL): {missing}, or sign in as another `username`"
    if isinstance(error, BusyLoadingError):
        return f"{address}: Redis is still loading its data: wait"
    if isinstance(error, ReadOnlyError):
        return f"{address}: this Redis is a read-only replica; name its primary in `url`"
    if isinstance(error, ClusterError | MovedError | ClusterCrossSlotError) or "Hash slot" in text:
        return f"{address}: this is a node of a Redis Cluster, which is not supported; name another Redis in `url`"
    if "DB index" in text:
        return f"{address}: Redis has no database of this number: check the end of `url`"
    if "WRONGTYPE" in text:
        return "a key that should be the exporter's is of another type: choose another name or database"
    return f"{address}: Redis refuses: {_said(text)}" if isinstance(error, ResponseError) else None


def _unreachable(error: Exception, address: str, *, encrypted: bool) -> str:
    if not isinstance(error, RedisError | OSError | TimeoutError | asyncio.TimeoutError):
        # Of its text nobody knows what it quotes.
        lost = isinstance(error, RuntimeError | EOFError)
        return f"{address}: {'the connection was lost' if lost else f'its client fails ({type(error).__name__})'}"
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        said = f"{address} does not answer within {ANSWER_SECONDS:g} s; does it hang? If it never answered"
        return f"{said}: {_other_program(encrypted=encrypted)}"
    if isinstance(error, InvalidResponse):
        return f"{address} does not speak as Redis does; {_other_program(encrypted=encrypted)}"
    return f"{address} cannot be reached: {_why_unreachable(error, encrypted=encrypted)}"


def _other_program(*, encrypted: bool) -> str:
    other = "does it speak TLS at all (rediss://)" if encrypted else "does it want TLS (rediss://)"
    return f"is it a Redis, and {other}? Check `url`"


def _said(text: str) -> str:
    """The words of Redis, without arguments that Redis or the library repeats and without a script's whereabouts."""
    text = without_arguments(text)
    for end in (", with args beginning with", " script: "):
        text = text.partition(end)[0]
    return printable(text[:_REASON_CHARACTERS])


def _why_unreachable(error: BaseException, *, encrypted: bool) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return handshake_failure(seen, "url")
        if isinstance(seen, socket.gaierror):
            said = printable((seen.strerror or "its name cannot be resolved").lower())
            return f"{said}; check the host in `url`"
        if isinstance(seen, ConnectionResetError):
            certificate = ", does it want a certificate (`tls.client_cert_file`)" if encrypted else ""
            return f"{os.strerror(errno.ECONNRESET).lower()}{certificate}; {_other_program(encrypted=encrypted)}"
        if isinstance(seen, OSError) and seen.errno is not None:
            return f"{os.strerror(seen.errno).lower()}; does Redis run there? Check `url`"
        seen = seen.__cause__ or seen.__context__
    if number := _ERRNO.match(str(error)):
        # The library's own words, where the library keeps no cause.
        return f"{os.strerror(int(number[1])).lower()}; does Redis run there? Check `url`"
    return f"{_said(str(error)) or 'the connection broke'}; {_other_program(encrypted=encrypted)}"
