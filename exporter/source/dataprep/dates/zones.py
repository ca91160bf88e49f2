"""Time zones by the names that people write: regions, offsets, and the abbreviations that mean one offset."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Hours from UTC: those of RFC 5322, and Europe's.
_ABBREVIATIONS = {
    "Z": 0,
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "WET": 0,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
}
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?")
#: The keys of the zone database; a longer or stranger text is asked of no file system.
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")


def parse_zone(text: str) -> tzinfo | None:
    """The zone of ``text`` (``Europe/Paris``, ``+01:00``, ``GMT+1``, ``CET``), None if there is none. Never raises."""
    hours = _ABBREVIATIONS.get(text.upper())
    if hours is not None:
        return timezone(timedelta(hours=hours)) if hours else UTC
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if distance > timedelta(hours=18):
            return None
        return timezone(-distance if offset[1] == "-" else distance)
    if not _REGION.fullmatch(text):
        return None
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_name(zone: tzinfo | None) -> str:
    """The id of a zone, as ``parse_zone`` reads the id."""
    return str(zone) if zone is not None else "UTC"
