"""The port ``BadRecordStore`` on a Redis server. What must happen in a single step is in ``scripts``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from exporter.redis_server.server import Argument, Script
from exporter.state.bad_record import (
    BadRecord,
    BadRecordFilter,
    BadRecordHead,
    BadRecordSummary,
    StorableBadRecord,
    size_of_bad_record,
)
from exporter.state.bad_records_port import BadRecordStore
from exporter.state.port import TooLarge, Totals
from exporter.state.redis import scripts
from exporter.state.redis.letter_store import CHUNK
from exporter.state.redis.rows import with_totals
from exporter.state.redis.server import Server

#: The fields of a letter on a page of ``BAD_SELECT``, in order.
_HEAD: Final = tuple(each.name for each in fields(BadRecordHead))
_NUMBERS: Final = ("taken", "kept")


class RedisBadRecordStore(BadRecordStore):
    """``BadRecordStore`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix
        self._keys = [f"{prefix}meta"]

    async def keep(self, records: Sequence[StorableBadRecord], max_bytes: int) -> TooLarge | None:
        said = await self._stored("", records, max_bytes)
        return TooLarge(int(said[1])) if said[0] == b"full" else None

    async def remember(self, records: Sequence[StorableBadRecord], ring_bytes: int) -> None:
        await self._stored("ring", records, ring_bytes)

    async def _stored(self, where: str, records: Sequence[StorableBadRecord], most_bytes: int) -> Sequence[bytes]:
        values = (value for record in records for value in _packed(record))
        said: Sequence[bytes] = await self._run(scripts.BAD_KEEP, where, most_bytes, len(records), *values)
        return said

    async def delete(self, names: Sequence[str]) -> int:
        deleted = 0
        for begin in range(0, len(names), CHUNK):
            deleted += int(await self._run(scripts.BAD_DELETE, *names[begin : begin + CHUNK]))
        return deleted

    async def names(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        async for found in self._select("names", BadRecordFilter(), after, limit):
            if found:
                return [(int(id_), name.decode()) for id_, name in found]
        return ()

    async def newest(self) -> int:
        return int(await self._server.call("HGET", f"{self._prefix}meta", "newest-bad") or 0)

    async def totals(self) -> Mapping[str, Totals]:
        return with_totals(await self._server.call("HGETALL", f"{self._prefix}bad-totals"))

    async def page(
        self, which: BadRecordFilter, beyond: int | None, limit: int, *, newest_first: bool
    ) -> Sequence[BadRecordSummary]:
        if which.names:
            return await self._page_of_names(which, beyond, limit, newest_first=newest_first)
        shown: list[BadRecordSummary] = []
        async for found in self._select("page", which, beyond, limit, newest_first=newest_first):
            shown += [_summary(int(id_), row) for id_, row in found]
            if len(shown) >= limit:
                break
        return shown[:limit]

    async def _page_of_names(
        self, which: BadRecordFilter, beyond: int | None, limit: int, *, newest_first: bool
    ) -> Sequence[BadRecordSummary]:
        """Somebody has typed the names, so they are few enough to be put in order here."""
        found = [_summary(int(id_), row) async for part in self._select("page", which) for id_, row in part]
        found.sort(key=lambda each: each.id, reverse=newest_first)
        after = [each for each in found if beyond is None or (each.id < beyond if newest_first else each.id > beyond)]
        return after[:limit]

    async def record(self, name: str) -> BadRecord | None:
        id_ = await self._server.call("HGET", f"{self._prefix}bad-names", name)
        flat = () if id_ is None else await self._server.call("HGETALL", f"{self._prefix}bad-record:{int(id_)}")
        return _record(int(id_), dict(zip(flat[::2], flat[1::2], strict=True))) if flat else None

    async def count(self, which: BadRecordFilter) -> int:
        if which == BadRecordFilter():
            return int(await self._server.call("ZCARD", f"{self._prefix}bad-ids"))
        return sum([int(found) async for found in self._select("count", which)])

    async def purge(self, which: BadRecordFilter) -> int:
        return sum([int(found) async for found in self._select("purge", which)])

    async def _select(
        self,
        doing: str,
        which: BadRecordFilter,
        beyond: int | None = None,
        limit: int = CHUNK,
        *,
        newest_first: bool = False,
    ) -> AsyncIterator[Any]:
        """The result of ``BAD_SELECT`` for each chunk of the letters that ``which`` means."""
        order = "newest" if newest_first else "oldest"
        names = list(dict.fromkeys(which.names))
        parts = [names[begin : begin + CHUNK] for begin in range(0, len(names), CHUNK)]
        reached: Argument = "" if beyond is None else beyond
        while not names or parts:
            these: tuple[Argument, ...] = ("these", *parts.pop(0)) if names else ("all",)
            reached, ended, found = await self._run(
                scripts.BAD_SELECT, doing, order, reached, CHUNK, min(limit, CHUNK), *_criteria(which), *these
            )
            yield found
            if ended and not names:
                return

    async def _run(self, script: Script, *arguments: Argument) -> Any:
        return await self._server.run(script, self._keys, self._prefix, *arguments)


def _packed(record: StorableBadRecord) -> tuple[Argument, ...]:
    """The arguments of ``BAD_KEEP`` for a letter."""
    return (
        *(getattr(record, name) for name in _HEAD),
        size_of_bad_record(record),
        int(record.identity is not None),
        record.identity or "",
        record.violations,
        record.message,
    )


def _criteria(which: BadRecordFilter) -> tuple[Argument, ...]:
    """The arguments of ``BAD_SELECT`` for a filter without its names."""
    return (
        which.source or "",
        "" if which.flow is None else f"={which.flow}",
        which.reason or "",
        "" if which.since is None else which.since,
        "" if which.until is None else which.until,
        which.dataset or "",
        "" if which.taken_since is None else which.taken_since,
        "" if which.taken_until is None else which.taken_until,
        len(which.identities),
        *which.identities,
    )


def _summary(id_: int, row: Sequence[bytes]) -> BadRecordSummary:
    return BadRecordSummary(id=id_, **_head(dict(zip(_HEAD, row, strict=True))))


def _record(id_: int, flat: Mapping[bytes, bytes]) -> BadRecord:
    identity = flat.get(b"identity")
    return BadRecord(
        id=id_,
        **_head({name: flat[name.encode()] for name in _HEAD}),
        identity=None if identity is None else identity.decode(),
        violations=flat[b"violations"],
        message=flat[b"message"],
    )


def _head(values: Mapping[str, bytes]) -> dict[str, Any]:
    return {name: int(value) if name in _NUMBERS else value.decode() for name, value in values.items()}
