"""The state's file: every failure as ``StateUnavailable``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import apsw

from exporter.database import Database, DatabaseUnavailable
from exporter.state.port import StateUnavailable

T = TypeVar("T")


class StateFile:
    """The calls of ``Database`` that the state makes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, run: Callable[[apsw.Connection], T]) -> T:
        """What ``run`` reads.

        Raises:
            StateUnavailable: the file cannot be read now.
        """
        try:
            return await self._database.read(run)
        except DatabaseUnavailable as error:
            raise StateUnavailable(error.reason) from error

    async def write(self, run: Callable[[apsw.Connection], T]) -> T:
        """What ``run`` returns; what it writes is durable then.

        Raises:
            StateUnavailable: as far as can be known, nothing of the call was written.
        """
        try:
            return await self._database.write(run)
        except DatabaseUnavailable as error:
            raise StateUnavailable(error.reason) from error
