"""Ids of runs and batches: made from what they are of, so the same for good, and telling their hour."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

_TIME_SHIFT = 80
_VERSION = 8 << 76
_VARIANT = 2 << 62
_HASHED = ((1 << 80) - 1) & ~(15 << 76) & ~(3 << 62)


def derived(hour: int, *names: str) -> UUID:
    """A UUID of version 8 (RFC 9562): the time in epoch milliseconds, then a hash of the time and ``names``."""
    digest = sha256("\0".join((str(hour), *names)).encode()).digest()
    hashed = int.from_bytes(digest[:10], "big") & _HASHED
    return UUID(int=hour << _TIME_SHIFT | _VERSION | _VARIANT | hashed)


def run_id(hour: int, flow: str) -> str:
    """The id of a run."""
    return str(derived(hour, "run", flow))


def activity_id(hour: int, flow: str) -> str:
    """The id of the one activity of a run."""
    return str(derived(hour, "activity", flow))


def batch_id(hour: int, flow: str, dataset: str) -> str:
    """The id of a batch, as the catalogue writes ids."""
    return derived(hour, "batch", flow, dataset).hex


def hour_in(name: str) -> int | None:
    """The hour that is in such an id; None where it is none. Whether there is a run or batch is not told by that."""
    try:
        return UUID(name).int >> _TIME_SHIFT
    except ValueError:
        return None
