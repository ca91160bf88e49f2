"""The least important lines that the log has: a level that may change while the process runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]

_RANKS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


class Threshold:
    """A step of the log that drops lines below ``level``, but none whose event is among ``always``."""

    def __init__(self, level: Level, always: Collection[str] = ()) -> None:
        self.level = level
        self._always = always

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The line as it is.

        Raises:
            DropEvent: the line is less important than ``level``.
        """
        if _RANKS.get(method, 3) < _RANKS[self.level] and event["event"] not in self._always:
            from structlog import DropEvent  # here, since the settings need the type above, and most commands no log

            raise DropEvent
        return event
