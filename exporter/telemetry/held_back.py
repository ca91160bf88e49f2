"""Lines of the log that say the same again and again: the first is written, the others are counted.

A thousand dead letters for one reason are one line, and a count of the other 999 half a minute later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from structlog import DropEvent
from structlog.typing import EventDict, WrappedLogger

#: How long lines are held back until their number is told.
COUNT_SECONDS: Final = 30.0
#: The most kinds of lines that are held back at a time; lines of further kinds are all written.
MOST_KINDS: Final = 1000
#: The event of the line that tells how many were held back.
HELD_BACK: Final = "held back"

#: Which lines are held back, by event, and in which fields beside ``destination`` those are equal that are.
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dead letter": ("reason", "status"),
    "replay excluded": ("reason",),
    "token fetch failed": ("outcome", "detail"),
    "odd token": ("detail",),
    "commit failed": ("detail",),
    "source": ("detail",),
    "refused elements not kept": ("detail",),
    "sign-in refused": ("detail",),
    "token refused": ("detail",),
}
#: Of lines that are counts themselves, what they count: it is added up.
_COUNTS: Final = "elements"

_Kind = tuple[object, ...]


@dataclass(slots=True)
class _Held:
    """What was held back of a kind ``since`` a moment, after a line was written; ``last`` is the last of it."""

    since: float
    lines: int = 0
    counted: int = 0
    level: str = "info"
    last: dict[str, Any] = field(default_factory=dict)


class HeldBack:
    """A step of the log that holds lines back; ``clock`` never goes back, in seconds. For any thread."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._held: dict[_Kind, _Held] = {}
        # Reentrant: objects that are collected as garbage meanwhile may log.
        self._lock = threading.RLock()

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The line as it is.

        Raises:
            DropEvent: one of its kind was written lately.
        """
        equal_in = _KINDS.get(event["event"])
        if equal_in is None:
            return event
        kind = (event["event"], event.get("destination"), *(event.get(name) for name in equal_in))
        with self._lock:
            held = self._held.get(kind)
            if held is None:
                if len(self._held) < MOST_KINDS:
                    self._held[kind] = _Held(self._clock())
                return event
            held.lines += 1
            held.counted += event.get(_COUNTS, 0)
            held.level, held.last = method, dict(event)
        raise DropEvent

    def next_seconds(self) -> float | None:
        """How long until ``tell`` has something to do; None: not before another line."""
        with self._lock:
            since = min((held.since for held in list(self._held.values())), default=None)
        return None if since is None else max(0.0, since + COUNT_SECONDS - self._clock())

    def tell(self, log: Any, *, all_of_it: bool = False) -> None:
        """Tell ``log`` what was held back for ``COUNT_SECONDS``, or all.

        A kind of which nothing was held back for so long is forgotten: its next line is written.
        """
        now = self._clock()
        told = []
        with self._lock:
            for kind, held in list(self._held.items()):
                if not all_of_it and now < held.since + COUNT_SECONDS:
                    continue
                if held.lines:
                    told.append((held, now - held.since))
                    self._held[kind] = _Held(now)
                else:
                    del self._held[kind]
        for held, seconds in told:
            getattr(log, held.level)(HELD_BACK, **_fields(held, seconds))


def _fields(held: _Held, seconds: float) -> dict[str, Any]:
    """The fields of the line that counts, with those of the last line that is held back."""
    last = {name: value for name, value in held.last.items() if name not in ("event", _COUNTS)}
    counted = {_COUNTS: held.counted} if held.counted else {}
    return {"of": held.last["event"], "lines": held.lines, "seconds": round(seconds, 1), **counted, **last}
