"""One record's way through a mapping set: what is passed in, what is left of time and size, what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from exporter.source.dataprep.outcomes import LARGER, OUT_OF_TIME, WHOLE_LARGER

Value = TypeVar("Value")

#: Reads a clock that never goes back, in seconds.
Clock = Callable[[], float]
#: Makes as many unpredictable bytes as it is asked for.
Chance = Callable[[int], bytes]

#: Of one mapping.
MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the mapping of one record may take: bytes of its result, and of every step on the way; seconds.

    The seconds are the processor's where ``Run`` is given a clock of it, and up to twice as many then.
    """

    max_bytes: int
    seconds: float


class Failed(Exception):
    """A value could not be had. Raised within an evaluation, and caught where a mapping's error is noted."""


class Exhausted(Failed):
    """The record's time or size is used up, so whatever else is tried would fail, too."""


class Run:
    """What the closures of a mapping set share while they map one record.

    ``now`` is epoch milliseconds; ``deadline`` is a reading of ``clock``; ``spent`` reads the seconds that the
    processor has had for this thread, and None stands for ``clock``; ``left`` counts down from ``max_bytes`` as the
    result grows; ``parameters`` holds the values of the functions' parameters (``x -> x > 2``) by their slot.
    """

    __slots__ = (
        *(
            "chance",
            "clock",
            "deadline",
            "errors",
            "gaps",
            "left",
            "max_bytes",
            "now",
            "overdue",
            "parameters",
            "record",
        ),
        *("seconds", "spent", "upserts"),
    )

    def __init__(
        self,
        record: dict[str, Any],
        now: int,
        chance: Chance,
        clock: Clock,
        bounds: Bounds,
        spent: Clock | None = None,
    ) -> None:
        self.record = record
        self.now = now
        self.chance = chance
        self.clock = clock
        self.seconds = bounds.seconds
        self.deadline = clock() + bounds.seconds
        self.spent = spent
        #: What ``spent`` read when the deadline had passed for the first time.
        self.overdue: float | None = None
        self.max_bytes = bounds.max_bytes
        self.left = bounds.max_bytes
        #: Reasons, of the mapping that is being applied, for parts that could not be had.
        self.errors: list[str] = []
        #: Lists of the result in which some places are still empty.
        self.gaps: list[list[Any]] = []
        self.parameters: list[Any] = []
        #: How arrays of the result are merged, by their path, where a function says so.
        self.upserts: dict[tuple[str, ...], type[list[Any]]] = {}

    def note(self, reason: str) -> None:
        """Notes that a part of the mapping's value could not be had; the first few of a mapping are enough."""
        if len(self.errors) < MOST_NOTES:
            self.errors.append(reason)

    def spend(self, size: int) -> None:
        """Counts ``size`` bytes of the result; raises ``Exhausted`` beyond the bounds."""
        self.left -= size
        if self.left < 0:
            raise Exhausted(f"{WHOLE_LARGER} {self.max_bytes} bytes")

    def look_at_the_clock(self) -> None:
        """Raises ``Exhausted`` once the time of this record is over.

        The clock goes on while the process stands still, or others have the processor: a record is not bad for that.
        The processor's time is dear to read, so it is read only once the clock says that the time may be over.
        """
        now = self.clock()
        if now <= self.deadline:
            return
        if self.spent is None:
            raise Exhausted(OUT_OF_TIME)
        spent = self.spent()
        if self.overdue is None:
            self.overdue = spent
        elif spent - self.overdue >= self.seconds:
            raise Exhausted(OUT_OF_TIME)
        self.deadline = now + self.seconds

    def bounded_text(self, text: str) -> str:
        """``text``; raises ``Failed`` where it is larger than the bounds allow."""
        if len(text) > self.max_bytes or (
            not text.isascii()
            and len(text) * 4 > self.max_bytes
            and len(text.encode("utf-8", "surrogatepass")) > self.max_bytes
        ):
            raise self.too_large()
        return text

    def bounded(self, value: Value) -> Value:
        """``value``, an array or object; raises ``Failed`` where it is larger than the bounds allow."""
        if measure(value, self.max_bytes) > self.max_bytes:
            raise self.too_large()
        return value

    def too_large(self) -> Failed:
        return Failed(f"the {LARGER} {self.max_bytes} bytes")


def measure(value: Any, limit: int) -> int:
    """About how many bytes ``value`` has as JSON, written out in full; stops counting beyond ``limit``.

    A value that stands in several places counts at each of them, since JSON has no references.
    """
    size = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind is str:
            size += len(part) + 2
        elif isinstance(part, dict):
            size += 2 + sum(map(len, part)) + 4 * len(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            size += 2 + len(part)
            waiting.extend(part)
        else:
            size += 4
        if size > limit:
            break
    return size
