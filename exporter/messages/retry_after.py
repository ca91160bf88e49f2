"""Reads ``Retry-After``: an endpoint's and a token server's (RFC 9110 §10.2.3)."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(value: str | None, epoch_seconds: float) -> float | None:
    """Seconds to wait by a ``Retry-After`` header (RFC 9110 §10.2.3: seconds or a date), None if it has none."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            # RFC 9110 §5.6.7: a date without a zone is UTC too.
            aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
            seconds = aware.timestamp() - epoch_seconds
        except (ValueError, OverflowError):
            return None
        return max(0.0, seconds)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
