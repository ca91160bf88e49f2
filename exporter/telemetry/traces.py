"""Where an exception comes from, without its text and its variables, which may quote a profile or a secret."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import PurePath

_FRAMES = 12


def calls(error: BaseException) -> Sequence[str]:
    """The calls that led to an exception, the last call last."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
