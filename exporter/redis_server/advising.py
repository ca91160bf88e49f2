"""The cost of a Redis server's own settings: how much survives a crash, and what happens at ``maxmemory``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.redis_server.server import Server


async def advice(server: Server, unavailable: type[Exception]) -> Sequence[str]:
    """Sentences for people, each with a remedy. Managed servers often refuse CONFIG, so INFO is asked.

    Args:
        server: the server.
        unavailable: the exception that calls raise.
    """
    try:
        found = _fields(await server.call("INFO", "persistence")) | _fields(await server.call("INFO", "memory"))
    except unavailable as error:
        return [f"what Redis keeps through a crash was not looked at: {error}"]
    return [*_persistence(found), *_memory(found)]


def _persistence(found: Mapping[str, str]) -> Sequence[str]:
    if found.get("aof_enabled") == "0":
        return [
            "this Redis keeps no append-only file: a crash loses what came after its last snapshot, or all; "
            "set appendonly yes there"
        ]
    if found.get("aof_last_write_status", "ok") != "ok":
        return ["this Redis could not write its append-only file: see its log and disk"]
    return []


def _memory(found: Mapping[str, str]) -> Sequence[str]:
    policy = found.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or found.get("maxmemory") == "0":
        return []
    return [f"at its maxmemory this Redis may delete keys (maxmemory-policy {policy}): set noeviction there"]


def _fields(reply: bytes) -> dict[str, str]:
    lines = reply.decode("utf-8", "replace").splitlines()
    return {name: value for name, colon, value in (line.partition(":") for line in lines) if colon}
