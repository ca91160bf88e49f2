"""Changes objects: one change at a time, which is compiled, durable and in force before its answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.objects import bounds
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource, document_of, resource_of
from exporter.state.made_objects import MadeObject, MadeObjects
from exporter.state.port import StateUnavailable


def uncompiled(mistakes: Sequence[Mistake], code: str = "1400-400") -> Answer:
    """400: what the objects come to cannot be compiled, and why."""
    words = "; ".join(f"{'.'.join(map(str, each.at))}: {each.reason}" for each in mistakes)
    return failed(400, code, words)


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit comes to.

    Attributes:
        objects: as they are to be.
        answer: once they are.
        refuse: the answer where they cannot be compiled; places of mistakes begin at a section's name
            (``("schemas", id, …)``).
    """

    objects: Objects
    answer: Answer
    refuse: Callable[[Sequence[Mistake]], Answer] = uncompiled


_AWAY = (("Retry-After", "1"),)

#: Pure: called with the objects as they are, under the lock. An answer alone refuses, and changes nothing.
Edit: TypeAlias = Callable[[Objects], Change | Answer]
#: Puts compiled objects in force; waits for nothing.
Install: TypeAlias = Callable[[], None]
#: Compiles objects, off the loop, or finds their mistakes. Nothing is in force yet.
Prepare: TypeAlias = Callable[[Objects], Awaitable[Install | Sequence[Mistake]]]


class Register:
    """The objects in force, and their changes.

    Args:
        objects: at the start.
        made: where those that are made stand.
        prepare: compiles objects, once a change needs that.
        most_bytes: as large as an object may be that is written.
    """

    def __init__(
        self, objects: Objects, made: MadeObjects, prepare: Prepare, most_bytes: int = bounds.MOST_BYTES
    ) -> None:
        self._objects = objects
        self._made = made
        self._prepare = prepare
        self._most_bytes = most_bytes
        self._lock = asyncio.Lock()

    @property
    def objects(self) -> Objects:
        """The objects in force."""
        return self._objects

    async def change(self, edit: Edit) -> Answer:
        """The answer to an edit, after its objects are durable and in force. Edits follow one another.

        To be called where a client that goes away cancels nothing: objects would be durable, and not in force.
        """
        async with self._lock:
            before = self._objects
            change = edit(before)
            if isinstance(change, Answer):
                return change
            put, deleted = difference(before, change.objects)
            if refusal := bounds.too_large(put, self._most_bytes):
                return refusal
            install = await self._prepare(change.objects)
            if not callable(install):
                return change.refuse(install)
            try:
                await self._made.write([MadeObject(each.kind, each.id, document_of(each)) for each in put], deleted)
            except StateUnavailable as error:
                return failed(503, "1503-503", f"The state cannot keep it now: {error.reason}", headers=_AWAY)
            install()
            self._objects = change.objects
            return change.answer

    async def redeclare(self, declared: Sequence[Resource], prepare: Prepare, beside: Install) -> Sequence[Mistake]:
        """Put what is declared in the place of what was, compiled by ``prepare`` from now on.

        ``beside`` is called in the same turn of the loop, once all of it is in force. Mistakes leave all as it was.
        """
        async with self._lock:
            objects = together(declared, [each for each in self._objects if each.declared is None])
            if not isinstance(objects, Objects):
                return objects
            install = await prepare(objects)
            if not callable(install):
                return install
            install()
            beside()
            self._objects, self._prepare = objects, prepare
            return ()


def together(declared: Sequence[Resource], made: Sequence[Resource]) -> Objects | Sequence[Mistake]:
    """What is declared and what was made, or the objects that are both."""
    known = {(each.kind, each.id): each for each in declared}
    both = [each for each in made if (each.kind, each.id) in known]
    if not both:
        return Objects((*declared, *made))
    reason = "is declared, and there is an object with this id that was made by API"
    return [Mistake((each.kind.value, each.id), reason) for each in both]


def difference(before: Objects, after: Objects) -> tuple[Sequence[Resource], Sequence[tuple[Kind, str]]]:
    """What has to be written so that ``after`` stands where ``before`` stood; what is declared is never written."""
    was = {(each.kind, each.id): each for each in before.of_other_kinds(after) if each.declared is None}
    now = {(each.kind, each.id): each for each in after.of_other_kinds(before) if each.declared is None}
    put = [each for key, each in now.items() if was.get(key) != each]
    return put, [key for key in was if key not in now]


async def made_before(made: MadeObjects) -> Sequence[Resource]:
    """The objects that were made and stand in the state, the oldest first.

    Raises:
        StateUnavailable: the state cannot be read now.
        ValueError: what stands there is not what this version of the exporter writes.
    """
    found = [resource_of(Kind(each.kind), each.id, each.document) for each in await made.all()]
    return sorted(found, key=lambda each: (each.created.at, each.kind, each.id))
