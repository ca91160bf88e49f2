"""Puts wishes about profiles into the intake: durable once that is answered, and applied in their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.queues.port import EventTooLarge, Outgoing, QueueFull, QueueUnavailable
from exporter.source.collection.intake import AGAIN_SECONDS, Publishing
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.profiles.merge.naming import profile_id
from exporter.source.records import Identity
from exporter.tasks.late_deadlines import answered_within


@dataclass(frozen=True, slots=True)
class Wished:
    """The wish is durable."""

    xaction_id: str


@dataclass(frozen=True, slots=True)
class NotWished:
    """The intake did not take the wish in time; whether the wish stands there all the same is unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wishing:
    """Puts wishes into ``queue``, the intake, for ``hold_seconds`` at most."""

    queue: Publishing
    stamps: Stamps
    hold_seconds: float

    async def wish(self, kind: WishKind, identity: Identity) -> Wished | NotWished:
        """Wish something about the profile of an identity."""
        stamp = self.stamps.last_of_its_time()
        wish = Wish(kind, stamp.name, stamp.ms, identity.namespace, identity.id)
        messages = [Outgoing(profile_id(identity.namespace, identity.id), wish.to_bytes())]
        reason = "the intake did not answer in time"
        try:
            async with answered_within(self.hold_seconds):
                while (failure := await self._published(messages)) is not None:
                    reason = failure
                    await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            return NotWished(reason)
        except EventTooLarge as error:
            return NotWished(str(error))
        return Wished(stamp.name)

    async def _published(self, messages: Sequence[Outgoing]) -> str | None:
        try:
            await self.queue.publish(messages)
        except (QueueFull, QueueUnavailable) as error:
            return str(error)
        return None
