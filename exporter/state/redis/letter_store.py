"""The port ``LetterStore`` on a Redis server. What must happen in a single step is in ``scripts``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

from exporter.redis_server.server import Argument, Script
from exporter.state.letter import Answered, Filter, Letter, StorableLetter, Summary
from exporter.state.port import UNSENT_KEPT, Delivery, LetterStore, Overview, Survey, Taken, TooLarge, Totals, Written
from exporter.state.redis import scripts
from exporter.state.redis.rows import (
    ANSWERED,
    answered_of,
    criteria,
    letter_of,
    packed,
    summary_of,
    totals_of,
    with_totals,
)
from exporter.state.redis.server import Server

#: The most letters that a script goes through: Redis does nothing else meanwhile.
CHUNK: Final = 500


class RedisLetterStore(LetterStore):
    """``LetterStore`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix
        self._keys = [f"{prefix}meta"]

    # -- for one dataflow

    async def survey(self, destination: str, after: int) -> Survey:
        newest = int(await self._server.call("HGET", f"{self._prefix}meta", "newest") or 0)
        profiles = await (self._since(destination, after) if after else self._all_current(destination))
        return Survey(profiles, newest)

    async def _all_current(self, destination: str) -> Collection[str]:
        profiles: set[str] = set()
        cursor = b"0"
        while True:
            cursor, found = await self._server.call(
                "ZSCAN", f"{self._prefix}current:{destination}", cursor, "COUNT", CHUNK
            )
            profiles.update(member.rpartition(b"\0")[0].decode() for member in found[::2])
            if cursor == b"0":
                return profiles

    async def _since(self, destination: str, after: int) -> Collection[str]:
        profiles: set[str] = set()
        reached: Argument = after
        while reached != b"":
            reached, found = await self._run(scripts.SINCE, destination, reached, CHUNK)
            profiles.update(profile.decode() for profile in found)
        return profiles

    async def begin(self, group: str, lane: str, reader: str) -> int | None:
        highest = await self._run(scripts.BEGIN, group, lane, reader)
        return None if highest is None else int(highest)

    async def leave(self, group: str, lane: str, reader: str) -> None:
        await self._run(scripts.LEAVE, group, lane, reader)

    async def kept(self, group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        key = f"{self._prefix}places:{len(group.encode())}:{group}:{lane}"
        ids = await self._server.call("HMGET", key, *positions)
        return frozenset(position for position, id_ in zip(positions, ids, strict=True) if id_ is not None)

    async def put(
        self,
        destination: str,
        group: str,
        letters: Sequence[StorableLetter],
        supersede: Sequence[Delivery],
        max_bytes: int,
        readers: Mapping[str, str],
        *,
        only_new: bool = False,
    ) -> Written | TooLarge | Taken:
        what, *said = await self._run(
            scripts.PUT,
            destination,
            group,
            max_bytes,
            len(readers),
            len(letters),
            len(supersede),
            int(only_new),
            *(text for reader in readers.items() for text in reader),
            *(value for letter in letters for value in packed(letter)),
            *(value for delivery in supersede for value in delivery),
        )
        if what == b"taken":
            return Taken(said[0].decode())
        if what == b"full":
            return TooLarge(int(said[0]))
        count, size, before, newest, *none_left = said
        profiles = [profile.decode() for profile in none_left]
        return Written(Totals(int(count), int(size)), profiles, int(before), int(newest))

    async def asked_lanes(self, destination: str) -> Sequence[str]:
        lanes = await self._server.call("HKEYS", f"{self._prefix}asked-lanes:{destination}")
        return [lane.decode() for lane in sorted(lanes)]

    async def requested(
        self, destination: str, lanes: Sequence[str], but: Collection[int], limit: int
    ) -> Sequence[Letter]:
        found = await self._run(scripts.REQUESTED, destination, limit, len(lanes), *lanes, *but)
        return [letter_of(int(id_), fields) for id_, fields in found]

    async def replays(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for begin in range(0, len(letter_ids), CHUNK):
            ids = letter_ids[begin : begin + CHUNK]
            said = await self._run(scripts.REPLAYS, *ids)
            found |= {id_: replay.decode() for id_, replay in zip(ids, said, strict=True) if replay is not None}
        return found

    async def replayed(self, destination: str, letter_id: int, *, excluded: bool) -> Totals:
        return totals_of(await self._run(scripts.REPLAYED, destination, letter_id, int(excluded), UNSENT_KEPT))

    async def failed(self, destination: str, letter_id: int, letter: StorableLetter) -> Totals:
        status = "" if letter.status is None else letter.status
        how: tuple[Argument, ...] = (letter.reason, letter.detail, status, letter.attempts)
        return totals_of(await self._run(scripts.FAILED, destination, letter_id, *how, repr(letter.at), letter.answer))

    async def probe(self, destination: str, filler_bytes: int) -> Totals:
        key = f"{self._prefix}probe"
        fields = (f"{destination}:letters", f"{destination}:bytes")
        said = await self._server.together(
            [("SET", key, bytes(filler_bytes)), ("DEL", key), ("HMGET", f"{self._prefix}totals", *fields)]
        )
        return totals_of(said[2])

    # -- for all

    async def overview(self) -> Overview:
        totals, asked, newest = await self._run(scripts.OVERVIEW)
        return Overview(with_totals(totals), frozenset(name.decode() for name in asked), int(newest or 0))

    async def page(self, which: Filter, after: int, limit: int) -> Sequence[Summary]:
        shown: list[Summary] = []
        async for found in self._select("page", which, after, limit):
            shown += [summary_of(int(id_), row) for id_, row in found]
            if len(shown) >= limit:
                break
        return shown[:limit]

    async def latest(self, destination: str | None, limit: int) -> Sequence[Answered]:
        ids = f"{self._prefix}ids" if destination is None else f"{self._prefix}ids:{destination}"
        chosen = [int(id_) for id_ in await self._server.call("ZREVRANGE", ids, 0, limit - 1)]
        found: list[Answered] = []
        for begin in range(0, len(chosen), CHUNK):
            these = chosen[begin : begin + CHUNK]
            rows = await self._server.together([("HMGET", f"{self._prefix}letter:{id_}", *ANSWERED) for id_ in these])
            found += [answered_of(id_, row) for id_, row in zip(these, rows, strict=True) if row[0] is not None]
        return found

    async def letter(self, letter_id: int) -> Letter | None:
        fields = await self._server.call("HGETALL", f"{self._prefix}letter:{letter_id}")
        return letter_of(letter_id, fields) if fields else None

    async def answers(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        asked = [("HGET", f"{self._prefix}letter:{id_}", "answer") for id_ in letter_ids]
        found = await self._server.together(asked) if asked else ()
        return {id_: answer.decode() for id_, answer in zip(letter_ids, found, strict=True) if answer is not None}

    async def count(self, which: Filter) -> int:
        if which == Filter(destination=which.destination):
            name = "ids" if which.destination is None else f"ids:{which.destination}"
            return int(await self._server.call("ZCARD", f"{self._prefix}{name}"))
        return sum([int(found) async for found in self._select("count", which)])

    async def ask(self, which: Filter, *, superseded: bool) -> Sequence[int]:
        doing = "ask superseded" if superseded else "ask"
        return [int(id_) async for found in self._select(doing, which) for id_ in found]

    async def purge(self, which: Filter) -> int:
        return sum([int(found) async for found in self._select("purge", which)])

    async def _select(self, doing: str, which: Filter, after: int = 0, limit: int = CHUNK) -> AsyncIterator[Any]:
        """The result of ``SELECT`` for each chunk of the letters that ``which`` means."""
        chosen = sorted(set(which.ids))
        while True:
            begin = bisect_right(chosen, after)
            these = chosen[begin : begin + CHUNK]
            if chosen and not these:
                return
            how: tuple[Argument, ...] = ("these", *these) if chosen else ("all",)
            reached, ended, found = await self._run(
                scripts.SELECT, doing, after, CHUNK, min(limit, CHUNK), *criteria(which), UNSENT_KEPT, *how
            )
            yield found
            after = int(reached)
            if ended and not chosen:
                return

    async def _run(self, script: Script, *arguments: Argument) -> Any:
        return await self._server.run(script, self._keys, self._prefix, *arguments)
