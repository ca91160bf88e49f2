"""Changes objects: one change at a time, which is compiled, durable and in force before its answer goes out.

Other processes on the same state change them, too: a change is written only where nobody has done so since what is in
force here; otherwise what they wrote is put in force first, and the change is judged anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.objects import bounds
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource, document_of, resource_of
from exporter.state.made_objects import UNCHANGED, MadeObject, MadeObjects
from exporter.state.port import StateUnavailable
from exporter.tasks.off_loop import off_loop


def in_words(mistakes: Sequence[Mistake]) -> str:
    """Mistakes, each with its place."""
    return "; ".join(f"{'.'.join(map(str, each.at))}: {each.reason}" for each in mistakes)


def uncompiled(mistakes: Sequence[Mistake], code: str = "1400-400") -> Answer:
    """400: what the objects come to cannot be compiled, and why."""
    return failed(400, code, in_words(mistakes))


def _not_now(why: str) -> Answer:
    return failed(503, "1503-503", why, headers=_AWAY)


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


_AWAY: Final = (("Retry-After", "1"),)
#: So often a change is judged anew because other processes were faster.
_MOST_TRIES: Final = 8
_LOST: Final = "it has lost what was made by API: put back a copy of it, or restart to go on with what it holds now"

#: Pure: called with the objects as they are, under the lock, and again where another process was faster. An answer
#: alone refuses, and changes nothing.
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
        revision: of those that are made, at the start.
        most_bytes: as large as an object may be that is written.

    Attributes:
        failure: why what other processes made is not in force here; None where it is.
    """

    def __init__(
        self,
        objects: Objects,
        made: MadeObjects,
        prepare: Prepare,
        revision: str = UNCHANGED,
        most_bytes: int = bounds.MOST_BYTES,
    ) -> None:
        self.failure: str | None = None
        self._objects = objects
        self._made = made
        self._prepare = prepare
        self._most_bytes = most_bytes
        self._revision = revision
        #: The one that was looked at last: the one in force, or one that cannot be.
        self._looked_at = revision
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
            for _ in range(_MOST_TRIES):
                change = edit(self._objects)
                if isinstance(change, Answer):
                    return change
                put, deleted = difference(self._objects, change.objects)
                if refusal := bounds.too_large(put, self._most_bytes):
                    return refusal
                install = await self._prepare(change.objects)
                if not callable(install):
                    return change.refuse(install)
                try:
                    revision = await self._write(put, deleted)
                    if revision is None:
                        await self._take_in()
                except StateUnavailable as error:
                    return _not_now(f"The state cannot keep it now: {error.reason}")
                if revision is not None:
                    install()
                    self._in_force(change.objects, revision)
                    return change.answer
                if self.failure is not None:
                    return _not_now(self.failure)
        return _not_now("Other processes are changing objects all the time")

    async def follow(self) -> None:
        """Put in force what other processes have changed; ``failure`` says why, where that cannot be.

        Raises:
            StateUnavailable: nobody can say now whether they have.
        """
        if await self._made.revision() == self._looked_at:
            return
        async with self._lock:
            # It may have been a change by this process, which is in force by now.
            if await self._made.revision() != self._looked_at:
                await self._take_in()

    async def redeclare(self, declared: Sequence[Resource], prepare: Prepare, beside: Install) -> Sequence[Mistake]:
        """Put what is declared in the place of what was, compiled by ``prepare`` from now on.

        ``beside`` is called in the same turn of the loop, once all of it is in force. Mistakes leave all as it was.

        Raises:
            StateUnavailable: what is made cannot be read now; all is as it was.
        """
        async with self._lock:
            found = await self._found(declared)
            objects = found.together
            if not isinstance(objects, Objects):
                return objects
            install = await prepare(objects)
            if not callable(install):
                return install
            install()
            beside()
            self._prepare = prepare
            self._in_force(objects, found.revision)
            return ()

    async def _write(self, put: Sequence[Resource], deleted: Sequence[tuple[Kind, str]]) -> str | None:
        """The revision once that is durable; None where another process was faster."""
        if not put and not deleted:
            return self._revision
        made = [MadeObject(each.kind, each.id, document_of(each)) for each in put]
        return await self._made.write(made, deleted, self._revision)

    async def _take_in(self) -> None:
        """Put in force what stands in the state, if that is something else. Raises as ``follow``."""
        found = await self._found([each for each in self._objects if each.declared is not None])
        if found.revision == self._looked_at:
            return
        objects = found.together
        install = await self._prepare(objects) if isinstance(objects, Objects) else objects
        if callable(install) and isinstance(objects, Objects):
            install()
            self._in_force(objects, found.revision)
        elif not callable(install):
            self.failure = f"What other processes made by API cannot be in force here: {in_words(install)}"
            self._looked_at = found.revision

    def _in_force(self, objects: Objects, revision: str) -> None:
        self._objects, self._revision, self._looked_at, self.failure = objects, revision, revision, None

    async def _found(self, declared: Sequence[Resource]) -> _Found:
        revision, made = await self._made.all()
        if revision == UNCHANGED != self._revision:
            return _Found(revision, [Mistake(("state",), _LOST)])
        try:
            resources = await off_loop(resources_of, made, self._objects)
        except ValueError as error:
            return _Found(revision, [Mistake(("state",), f"it holds objects that cannot be read: {error}")])
        return _Found(revision, together(declared, resources))


class _Found(NamedTuple):
    """What stands in the state, together with what is declared, or the mistakes of that."""

    revision: str
    together: Objects | Sequence[Mistake]


def together(declared: Sequence[Resource], made: Sequence[Resource]) -> Objects | Sequence[Mistake]:
    """What is declared and what was made, or the objects that are both.

    A namespace may be both, since none is ever deleted: it is what is declared, and keeps the number that it got first.
    """
    known = {(each.kind, each.id): each for each in declared}
    both = [each for each in made if (each.kind, each.id) in known]
    numbered = {each.id: each for each in both if each.kind is Kind.NAMESPACE}
    if len(numbered) < len(both):
        reason = "is declared, and there is an object with this id that was made by API"
        return [Mistake((each.kind.value, each.id), reason) for each in both if each.id not in numbered]
    return Objects(
        (
            *(_as_numbered(each, numbered.get(each.id)) for each in declared),
            *(each for each in made if (each.kind, each.id) not in known),
        )
    )


def _as_numbered(declared: Resource, made: Resource | None) -> Resource:
    if declared.kind is not Kind.NAMESPACE or made is None:
        return declared
    return replace(declared, fields={**declared.fields, "id": made.fields["id"]}, created=made.created)


def difference(before: Objects, after: Objects) -> tuple[Sequence[Resource], Sequence[tuple[Kind, str]]]:
    """What has to be written so that ``after`` stands where ``before`` stood; what is declared is never written."""
    was = {(each.kind, each.id): each for each in before.of_other_kinds(after) if each.declared is None}
    now = {(each.kind, each.id): each for each in after.of_other_kinds(before) if each.declared is None}
    put = [each for key, each in now.items() if was.get(key) != each]
    return put, [key for key in was if key not in now]


def resources_of(made: Sequence[MadeObject], known: Objects | None = None) -> Sequence[Resource]:
    """The objects that were made and stand in the state, the oldest first; ``known`` ones stand for their equals.

    Raises:
        ValueError: what stands there is not what this version of the exporter writes.
    """
    read = (resource_of(Kind(each.kind), each.id, each.document) for each in made)
    before = Objects() if known is None else known
    # What is compiled of an object is known by the object itself the fastest.
    found = [old if (old := before.get(each.kind, each.id)) == each else each for each in read]
    return sorted(found, key=lambda each: (each.created.at, each.kind, each.id))


async def made_before(made: MadeObjects) -> Sequence[Resource]:
    """The objects that were made. Raises as ``resources_of``, and ``StateUnavailable``."""
    return resources_of((await made.all()).objects)
