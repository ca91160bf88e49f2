"""Whether Redis can be used for all that the exporter does there: every command is tried, none changes anything."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams import scripts
from exporter.queues.redis_streams.failures import NoSuchGroup
from exporter.queues.redis_streams.stream import CONSUMER, Stream
from exporter.redis_server.server import Argument

_COMES_TO_NOTHING = ("must be greater than 0-0", "Invalid stream ID", "not an integer", "requires the key to exist")


async def check(stream: Stream) -> None:
    """Return if the stream can be read and written now.

    Redis looks at each command closely enough to report a missing permission, a lack of memory or a read-only replica,
    and then does nothing: the entry has an impossible id, or the group does not exist.

    Raises:
        QueueUnavailable: with the command and the reason.
    """
    key, record, nobody = stream.key, stream.record_key, uuid4().hex
    lease = stream.lease_key("*")  # stands for every group's lease, so a refusal names the pattern to grant
    await stream.extent()
    commands: tuple[tuple[Argument, ...], ...] = (
        ("XADD", key, "0-0", "event", ""),
        ("XREADGROUP", "GROUP", nobody, CONSUMER, "COUNT", 1, "STREAMS", key, ">"),
        ("XREAD", "COUNT", 1, "STREAMS", key, "$"),
        ("XACK", key, nobody, "0-1"),
        ("XPENDING", key, nobody),
        ("XRANGE", key, "-", "-", "COUNT", 1),
        ("XREVRANGE", key, "-", "-", "COUNT", 1),
        ("XTRIM", key, "MINID", "~", "0-0"),
        ("XGROUP", "SETID", key, nobody, "0-0"),
        ("XGROUP", "CREATE", key, nobody, "not an id"),
        ("XGROUP", "DESTROY", key, nobody),
        ("XSETID", key, "not an id"),
        ("XINFO", "GROUPS", key),
        ("XINFO", "CONSUMERS", key, nobody),
        ("HGETALL", record),
        ("HSETNX", record, "id", nobody),
        ("HSET", record, "checked", int(time.time())),
        ("HINCRBY", record, "id", "not a number"),
        ("HDEL", record, f"seen:{nobody}"),
        ("SET", lease, "", "XX"),
        ("GET", lease),
        ("EXISTS", lease),
        ("DEL", lease),
        ("TIME",),
        ("EVAL", "return 0", 0),
    )
    for command in commands:
        await _try(command[0], stream.server.call(*command))
    await _try("MULTI", stream.server.together([("TIME",)]))
    await _try("EVALSHA", stream.server.run(scripts.RELEASE, [lease], nobody))


async def _try(what: Argument, trying: Awaitable[Any]) -> None:
    try:
        await trying
    except NoSuchGroup:
        pass
    except QueueUnavailable as error:
        if not any(refusal in str(error) for refusal in _COMES_TO_NOTHING):
            raise QueueUnavailable(f"{what!s}: {error}") from None
