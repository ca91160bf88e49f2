"""When a request was taken, and what it is called."""

from __future__ import annotations

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """When a request was taken, and its name: three decimal numbers, unique over restarts and workers."""

    ms: int
    name: str
