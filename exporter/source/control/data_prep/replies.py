"""Data Prep's replies that need nothing kept: their work is done off the loop, one request after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.language import validate_expression
from exporter.source.control.data_prep.previewing import preview
from exporter.source.control.data_prep.validating import validate
from exporter.source.control.request import Request
from exporter.source.dataprep.listing import list_functions, list_operators
from exporter.tasks.off_loop import off_loop

#: As many requests as wait for one another.
_MOST_WAITING: Final = 8
_BUSY = (("Retry-After", "5"),)

T = TypeVar("T")


class DataPrep:
    """The replies.

    Args:
        workshop: what mapping sets are compiled and tried with.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._functions = found(list_functions())
        self._operators = found(list_operators())
        # Such work takes a whole core, of which records have the first call.
        self._alone = asyncio.Lock()
        self._here = 0

    async def functions(self, _: Request) -> Answer:
        """Every function, under each of its names."""
        return self._functions

    async def operators(self, _: Request) -> Answer:
        """Every operator, under each of its symbols."""
        return self._operators

    async def validate_expression(self, request: Request) -> Answer:
        """Whether a text is an expression."""
        return await self._worked(request, validate_expression)

    async def validate(self, request: Request) -> Answer:
        """What is wrong with each mapping of a set."""
        return await self._worked(request, lambda body: validate(body, self.workshop))

    async def preview(self, request: Request) -> Answer:
        """What records come to by a mapping set."""
        return await self._worked(request, lambda body: preview(body, self.workshop))

    async def _worked(self, request: Request, work: Callable[[Any], Answer]) -> Answer:
        """The answer that ``work`` makes of the body, parsed JSON."""
        body = request.json()
        return body if isinstance(body, Answer) else await self.worked(lambda: work(body))

    async def worked(self, work: Callable[[], T]) -> T | Answer:
        """What ``work`` comes to; 503 where too many wait for one another already."""
        if self._here > _MOST_WAITING:
            return failed(503, "1503-503", "Too many mapping sets wait to be compiled", headers=_BUSY)
        self._here += 1
        try:
            async with self._alone:
                return await off_loop(work)
        finally:
            self._here -= 1
