"""The key-value bucket that keeps every group's record. Each write names the revision to replace."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from exporter.profile.event.times import parse_time
from exporter.queues.jetstream.connection.link import REQUEST_SECONDS, Link
from exporter.queues.jetstream.connection.replies import answer_of
from exporter.queues.jetstream.failures import NO_MESSAGE, NO_STREAM, WRONG_LAST_SEQUENCE, NobodyAnswers, Refused
from exporter.queues.jetstream.group_record import Kept, Record, Unreadable, group_of, key_of, read, written
from exporter.queues.jetstream.kept_stream import KeptStream
from exporter.queues.port import QueueUnavailable

_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
_DELETED = {"KV-Operation": "DEL"}
#: Never a group's key: in a key two hexadecimal digits follow ``=``.
_PROBE_KEY = "=probe"
_READ_AT_A_TIME = 64
_NANOSECONDS = 1_000_000_000


class Keeping(NamedTuple):
    """Where a bucket is kept, ``file`` or ``memory``, and for how long; None: for good."""

    storage: str
    seconds: float | None


class Bucket(KeptStream):
    """A JetStream KV bucket, in the form that every NATS client knows.

    Every method that asks the servers raises ``QueueUnavailable`` when that does not work.
    """

    def __init__(self, link: Link, name: str) -> None:
        super().__init__(link, f"KV_{name}", f"bucket {name}")
        self.name = name
        self._subject = f"$KV.{name}."

    async def make(self, replicas: int) -> None:
        """Make the bucket, with that number of ``replicas``, unless the bucket exists."""
        if await self.is_there():
            return
        config = {
            "name": self._stream,
            "subjects": [f"{self._subject}>"],
            "max_msgs_per_subject": 1,
            "discard": "new",
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_direct": True,
            "storage": "file",
            "num_replicas": replicas,
        }
        await self._make(config)

    async def probe(self) -> None:
        """Write to a key of no group, to see whether writing works."""
        try:
            answer_of(await self._publish(_PROBE_KEY, b"", {}))
        except Refused as error:
            raise self._unwritable(error) from None

    async def kept(self) -> Keeping:
        """How the servers keep the bucket, which other programs may have made."""
        config = (await self._info())["config"]
        return Keeping(config.get("storage", "file"), config.get("max_age", 0) / _NANOSECONDS or None)

    async def now(self) -> float:
        """The servers' time, in epoch seconds; this machine's where the servers are too old to tell."""
        return parse_time((await self._info()).get("ts", "")) or time.time()

    async def groups(self) -> list[str]:
        """The names of all groups, dropped groups included, sorted."""
        found: list[str] = []
        while True:
            answer = await self._info({"subjects_filter": f"{self._subject}>", "offset": len(found)})
            subjects = answer["state"].get("subjects") or {}
            found += subjects
            if not subjects or len(found) >= answer.get("total", 0):
                break
        keys = {subject.removeprefix(self._subject) for subject in found} - {_PROBE_KEY}
        return sorted(map(group_of, keys))

    async def read_all(self, groups: Sequence[str]) -> dict[str, Kept]:
        """The kept records of ``groups``, where there are any."""
        limit = asyncio.Semaphore(_READ_AT_A_TIME)
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = {group: tasks.create_task(self._read_within(limit, group)) for group in groups}
        except* QueueUnavailable as failures:
            raise QueueUnavailable(str(failures.exceptions[0])) from None
        found = {group: task.result() for group, task in reading.items()}
        return {group: kept for group, kept in found.items() if kept is not None}

    async def read(self, group: str) -> Kept | None:
        """The group's record as of now; None if there never was a record."""
        question = {"last_by_subj": self._subject + key_of(group)}
        try:
            message = (await self._link.api(f"STREAM.MSG.GET.{self._stream}", question))["message"]
        except Refused as error:
            if error.code == NO_MESSAGE:
                return None
            if error.code == NO_STREAM:
                raise QueueUnavailable(f"there is no bucket {self.name} any more") from None
            raise QueueUnavailable(f"bucket {self.name} cannot be read: {error}") from None
        at = parse_time(message.get("time", "")) or 0.0
        body = b64decode(message.get("data", ""))
        if not body:  # a marker of deletion
            return Kept(None, message["seq"], at)
        try:
            return Kept(read(body), message["seq"], at)
        except Unreadable:
            raise QueueUnavailable(
                f"bucket {self.name}, key {key_of(group)}: this is no record of an exporter"
            ) from None

    async def write(self, group: str, record: Record, revision: int, timeout: float = REQUEST_SECONDS) -> int | None:
        """Replace ``revision`` (0: none may exist); the new revision, or None if ``revision`` was replaced before."""
        return await self._replace(group, written(record), {}, revision, timeout)

    async def delete(self, group: str, revision: int) -> bool:
        """Drop the group; False if ``revision`` was replaced before."""
        return await self._replace(group, b"", _DELETED, revision, REQUEST_SECONDS) is not None

    async def _replace(
        self, group: str, body: bytes, headers: Mapping[str, str], revision: int, timeout: float
    ) -> int | None:
        expecting = {**headers, _EXPECTED: str(revision)}
        answer = await self._publish(key_of(group), body, expecting, timeout)
        try:
            replaced: int = answer_of(answer)["seq"]
        except Refused as error:
            if error.code in WRONG_LAST_SEQUENCE:
                return None
            raise self._unwritable(error) from None
        return replaced

    async def _publish(
        self, key: str, body: bytes, headers: Mapping[str, str], timeout: float = REQUEST_SECONDS
    ) -> Any:
        try:
            return await self._link.request(self._subject + key, body, headers, timeout)
        except NobodyAnswers:
            raise QueueUnavailable(f"there is no bucket {self.name} any more") from None

    def _unwritable(self, error: Refused) -> QueueUnavailable:
        return QueueUnavailable(f"bucket {self.name} cannot be written: {error}")

    async def _read_within(self, limit: asyncio.Semaphore, group: str) -> Kept | None:
        async with limit:
            return await self.read(group)

    async def _info(self, question: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            return await self._link.api(f"STREAM.INFO.{self._stream}", question)
        except Refused as error:
            raise QueueUnavailable(f"bucket {self.name}: {error}") from None
