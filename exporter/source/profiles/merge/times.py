"""Times in words: RFC 3339 of epoch milliseconds, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(epoch_ms: int) -> str:
    """RFC 3339, in UTC to the millisecond; of a time that no calendar has, the nearest that one has."""
    try:
        when = _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        when = datetime.max.replace(tzinfo=UTC) if epoch_ms > 0 else datetime.min.replace(tzinfo=UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Times:
    """The same, of times that are mostly the one before, or stand in its second."""

    def __init__(self) -> None:
        self._second: int | None = None
        self._beginning = ""
        self._at: int | None = None
        self._text = ""

    def text_of(self, epoch_ms: int) -> str:
        """The text of a time, in epoch milliseconds."""
        if epoch_ms != self._at:
            second, milliseconds = divmod(epoch_ms, 1000)
            if second != self._second:
                self._second, self._beginning = second, text_of(second * 1000)[: -len("000Z")]
            self._at, self._text = epoch_ms, f"{self._beginning}{milliseconds:03}Z"
        return self._text


def instant(text: object) -> int | None:
    """Epoch milliseconds of an RFC 3339 time; None for all that is none."""
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(milliseconds=1)
