"""One destination's reading of the topic: hands records out, commits what is settled, keeps the membership."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord

from exporter.queues.kafka.adoption import places_to_begin
from exporter.queues.kafka.cluster import Cluster
from exporter.queues.kafka.connection import Connection
from exporter.queues.kafka.failures import CLIENT_ERRORS, reason, translated
from exporter.queues.kafka.lanes import Lanes
from exporter.queues.kafka.membership import Membership
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kafka.tail import Tail
from exporter.queues.port import COMMIT_MESSAGES, Batch, Lag, LaneLost, Message, QueueUnavailable

_LOOK_SECONDS = 1.0
_FENCE_SECONDS = 0.1
_FETCH_SECONDS = 5.0
_AGAIN_FIRST_SECONDS = 0.2
_AGAIN_MOST_SECONDS = 5.0
_PROOFS_PER_SESSION = 4


class Reading:
    """The subscription that ``KafkaQueue.subscribe`` gives."""

    def __init__(
        self,
        group: str,
        connection: Connection,
        settings: KafkaSettings,
        cluster: Cluster,
        tail: Tail,
        warn: Callable[[str], None],
    ) -> None:
        self._group = group
        self._connection = connection
        self._settings = settings
        self._cluster = cluster
        self._tail = tail
        self._warn = warn
        self._lanes = Lanes(settings.range_bytes, self._wake)
        self._changed = asyncio.Event()
        self._patience: asyncio.Timeout | None = None  # of the fetch that receive waits for
        self._due = asyncio.Event()  # the keeper has something to do
        self._some = asyncio.Event()  # something has settled
        self._many = asyncio.Event()
        self._settled = 0
        self._failure: str | None = None
        self._broken: BaseException | None = None
        self._membership = self._new_membership()

    # -- the port

    async def receive(self, limit: int) -> Batch | LaneLost:
        """See ``Subscription.receive``. With a limit of 0 it waits for the loss of a lane alone."""
        await asyncio.sleep(0)
        if self._lanes.told():
            self._due.set()
        while True:
            self._changed.clear()
            lost = self._lanes.news()
            if lost is not None:
                return lost
            messages = await self._next(limit) if limit > 0 else []
            if messages:
                return Batch(messages)
            if self._changed.is_set():
                continue
            why = self._failure or (self._tail.failure and str(self._tail.failure))
            if why:
                raise QueueUnavailable(why)
            if limit <= 0 or not self._readable():
                await self._until_changed()

    def settle(self, message: Message) -> None:
        """See ``Subscription.settle``. Raises ValueError: this subscription never handed it out."""
        if self._lanes.settle(message):
            self._settled += 1
            self._some.set()
            if self._settled >= COMMIT_MESSAGES:
                self._many.set()

    async def commit(self) -> None:
        """See ``Subscription.commit``."""
        with translated("positions cannot be committed"):
            await self._membership.commit(self._lanes.to_commit)

    def lag(self) -> Lag:
        """See ``Subscription.lag``; of the lanes that this process reads. What others publish counts after seconds."""
        messages = self._lanes.in_hand()
        oldest: float | None = None
        for number, position, message in self._lanes.unsettled():
            following = self._tail.next(number)
            if following is None:
                return Lag(None, None)
            messages += max(0, following - position)
            if message is not None:
                oldest = message.taken_at if oldest is None else min(oldest, message.taken_at)
        if not messages:
            return Lag(0, 0.0)
        return Lag(messages, None if oldest is None else max(0.0, time.time() - oldest))

    # -- reading

    def _readable(self) -> Sequence[int]:
        return () if self._membership.sharing else self._lanes.readable()

    async def _next(self, limit: int) -> list[Message]:
        """Messages of lanes that we hold; none after a while, or when something has changed."""
        membership = self._membership
        readable = self._readable()
        if not readable:
            return []
        try:
            membership.look()
        except CLIENT_ERRORS as error:
            self._broken = error
            self._due.set()
            raise QueueUnavailable(f"group {self._group}: {reason(error)}") from error
        try:
            fetched = await self._fetched(readable, limit)
        except TimeoutError:
            return []
        except OffsetOutOfRangeError as error:
            for place in error.args[0]:
                self._lanes.begin_again(place.partition)
            self._due.set()
            return []
        except CLIENT_ERRORS as error:
            raise QueueUnavailable(f"topic {self._settings.topic}: {reason(error)}") from error
        messages: list[Message] = []
        for number, records in fetched.items():
            messages.extend(self._lanes.take(number, self._messages(records)))
            following = membership.next_of(number)
            if following is not None:
                self._tail.reaches(number, following)
        return messages

    async def _fetched(self, numbers: Sequence[int], limit: int) -> Mapping[int, list[ConsumerRecord]]:
        """Raises TimeoutError when something has changed meanwhile, else what the client raises."""
        try:
            async with asyncio.timeout(None) as self._patience:
                return await self._membership.fetch(numbers, limit, 0.0 if self._failure else _FETCH_SECONDS)
        finally:
            self._patience = None

    def _messages(self, records: Iterable[ConsumerRecord]) -> Iterable[Message]:
        for record in records:
            taken_at = record.timestamp / 1000 if record.timestamp >= 0 else time.time()
            yield Message(str(record.partition), record.offset, record.value or b"", taken_at, self._event_id(record))

    def _event_id(self, record: ConsumerRecord) -> str | None:
        if not record.headers:
            return None
        headers = dict(reversed(record.headers))
        for name in self._settings.id_headers:
            value = headers.get(name)
            if value:
                with suppress(UnicodeDecodeError):
                    return bytes(value).decode()
        return None

    def _wake(self) -> None:
        self._changed.set()
        if self._lanes.wanted:
            self._due.set()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())
            self._patience = None

    async def _until_changed(self) -> None:
        # Not for ever: whether the topic can be reached is looked at by others, who wake nobody.
        with suppress(TimeoutError):
            async with asyncio.timeout(_FETCH_SECONDS):
                await self._changed.wait()

    # -- what runs beside it

    async def join(self) -> None:
        """Become a member. Raises QueueUnavailable."""
        with translated(f"joining group {self._group}"):
            await self._membership.join()
            await self._adopt()

    async def leave(self) -> None:
        """Commit once more, if that works, and leave the group."""
        try:
            if self._failure is None:
                await self.commit()
        except QueueUnavailable as error:
            self._warn(f"group {self._group}: its last position could not be written: {error}")
        finally:
            await self._membership.leave()

    async def commit_in_time(self) -> None:
        """Commit what has settled, soon after the first and at the latest after 500, until cancelled."""
        again = _AGAIN_FIRST_SECONDS
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.commit_interval):
                    await self._many.wait()
            self._settled = 0
            self._some.clear()
            self._many.clear()
            try:
                await self.commit()
            except QueueUnavailable as error:
                self._fail(str(error))
                self._some.set()
                await asyncio.sleep(again)
                again = min(2 * again, _AGAIN_MOST_SECONDS)
            else:
                again = _AGAIN_FIRST_SECONDS

    async def keep(self) -> None:
        """Take up new lanes, let go of those that are asked for, and see that we are a member, until cancelled.

        When the client gives up, begin with a new one.
        """
        while True:
            try:
                await self._look_after()
            except CLIENT_ERRORS as error:
                self._fail(f"group {self._group}: {reason(error)}")
                await self._membership.leave()
                self._broken = None
                self._membership = await self._joined_anew()

    async def _joined_anew(self) -> Membership:
        again = _AGAIN_FIRST_SECONDS
        while True:
            await asyncio.sleep(again)
            again = min(2 * again, _AGAIN_MOST_SECONDS)
            membership = self._new_membership()
            try:
                await membership.join()
            except CLIENT_ERRORS as error:
                self._fail(f"joining group {self._group}: {reason(error)}")
                await membership.leave()
            except BaseException:
                await membership.leave()
                raise
            else:
                return membership

    async def fence(self) -> None:
        """Give all lanes up when so long nothing was heard that others may read them, until cancelled."""
        while True:
            await asyncio.sleep(max(_FENCE_SECONDS, self._membership.seconds_left()))
            if self._lanes.any_durable() and self._membership.seconds_left() <= 0.0:
                self._lanes.lose_all()
                self._membership.ask_for_new_share()

    async def _look_after(self) -> None:
        """One look. Raises what the client raises when only a new one helps."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._due.wait()
        self._due.clear()
        if self._broken is not None:
            raise self._broken
        self._membership.look()
        try:
            await self._adopt()
            await self._release()
            await self._prove()
        except (*CLIENT_ERRORS, QueueUnavailable) as error:
            said = str(error) if isinstance(error, QueueUnavailable) else reason(error)
            self._fail(f"group {self._group}: {said}")
        else:
            self._failure = None

    async def _adopt(self) -> None:
        """Begin to read what we were given, behind what was committed."""
        wanted = self._lanes.wanted
        if not wanted or self._membership.sharing:
            return
        committed = await self._membership.committed(wanted)
        ends = await self._cluster.ends(wanted)
        if wanted != self._lanes.wanted or self._membership.sharing:
            self._due.set()
            return
        for number, (settled_to, ranges) in places_to_begin(wanted, committed, ends, self._group, self._warn).items():
            self._tail.reaches(number, ends.next[number])
            self._membership.seek(number, settled_to + 1)
            self._lanes.adopt(number, settled_to, ranges)

    async def _release(self) -> None:
        """Let go of lanes whose planned loss is complete."""
        lanes = self._lanes.releasing()
        if lanes:
            await self._membership.commit(self._lanes.to_commit)
            for lane in lanes:
                self._lanes.released(lane)
            self._membership.ask_for_new_share()

    async def _prove(self) -> None:
        """Where nothing was committed for a while: see whether we still may."""
        if time.monotonic() - self._membership.proven_at > self._settings.session_timeout / _PROOFS_PER_SESSION:
            await self._membership.commit(lambda: self._lanes.to_commit() or self._lanes.any_durable())

    def _fail(self, why: str) -> None:
        self._failure = why
        self._wake()

    def _new_membership(self) -> Membership:
        return Membership(self._connection, self._settings, self._group, self._lanes, self._warn)
