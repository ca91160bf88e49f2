"""The forms in which dates come without a pattern, and the text in which they leave."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from exporter.profile.event.times import parse_time
from exporter.source.dataprep.dates.patterns import DatePattern, compile_date_pattern

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Tried in this order, the first that matches wins, where a text is no RFC 3339 date and time (``parse_time``).
_FORMS = (
    *("yyyy-MM-dd HH:mm:ssZ", "yyyy-MM-dd HH:mm:ss.SSSZ", "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd'T'HH:mm:ss.SSSX"),
    *("yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyy-MMM-dd", "yyyyMMdd", "MM-dd-yyyy"),
    *("MMddyyyy", "M/dd/yyyy", "dd.M.yyyy", "M/dd/yyyy hh:mm:ss a", "dd.M.yyyy hh:mm:ss a", "dd.MMM.yyyy"),
    "dd-MMM-yyyy",
    # Not on the documentation's list, but in its text: an abbreviation for a zone.
    *("yyyy-MM-dd'T'HH:mm:ss z", "yyyy-MM-dd HH:mm:ss z", "yyyy-MM-dd'T'HH:mm:ss.SSS z", "yyyy-MM-dd HH:mm:ss.SSS z"),
)
FORMS = tuple(form for text in _FORMS if isinstance(form := compile_date_pattern(text), DatePattern))

_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: No date that is meant has more characters.
_MOST_CHARACTERS = 64


def parse_date(text: str) -> datetime | None:
    """The moment that ``text`` names in RFC 3339 or one of ``FORMS``, in UTC; None if there is none. Never raises."""
    if len(text) > _MOST_CHARACTERS:
        return None
    seconds = parse_time(text)
    if seconds is not None:
        return of_epoch(round(seconds * 1000))
    return next((moment for form in FORMS if (moment := form.read(text)) is not None), None)


def of_epoch(milliseconds: int) -> datetime | None:
    """The moment so many milliseconds after the beginning of 1970; None outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def to_epoch(moment: datetime) -> int:
    """Milliseconds since the beginning of 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_text(moment: datetime) -> str:
    """``2019-10-23T11:24:00Z``: the wall clock's reading, to the second, and a ``Z`` whatever the zone.

    Dates are in UTC, but for those which a function has put into another zone: their wall clock is what was asked for.
    """
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def date_time_text(moment: datetime) -> str:
    """As ``moment_text``, with milliseconds where there are any."""
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.removesuffix(".000") + "Z"


def is_date_time(text: str) -> bool:
    """Whether ``text`` is a date and time of RFC 3339, with a ``T`` and a zone."""
    return _DATE_TIME.fullmatch(text) is not None and parse_time(text) is not None


def is_date(text: str) -> bool:
    """Whether ``text`` is a ``full-date`` of RFC 3339."""
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
