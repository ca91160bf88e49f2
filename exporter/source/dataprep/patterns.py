"""Regular expressions: on RE2, which takes linear time, and what RE2 lacks on ``regex``, for a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import re2
import regex

from exporter.source.dataprep.run import Failed

#: As long as a calculated field may be.
MOST_CHARACTERS = 4096
_SECONDS = 0.005
#: What backtracks is compiled in Python, and not in linear time.
_MOST_BACKTRACKING_CHARACTERS = 500


class Match(Protocol):
    """What both libraries find."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, group: int = 0, /) -> str | None: ...
    def groups(self) -> tuple[str | None, ...]: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression. Its methods raise ``Failed`` where the time was over or the text is no Unicode."""

    text: str
    compiled: Any
    backtracks: bool

    def whole(self, text: str) -> Match | None:
        """The match of all of ``text``."""
        return self._tried("fullmatch", text)

    def first(self, text: str) -> Match | None:
        """The first match in ``text``."""
        return self._tried("search", text)

    def every(self, text: str) -> Iterator[Match]:
        """All matches in ``text`` that do not overlap."""
        try:
            yield from self.compiled.finditer(text, **self._bounds)
        except (TimeoutError, UnicodeError) as error:
            raise self._failed(error) from None

    @property
    def _bounds(self) -> dict[str, float]:
        return {"timeout": _SECONDS} if self.backtracks else {}

    def _tried(self, method: str, text: str) -> Match | None:
        try:
            found: Match | None = getattr(self.compiled, method)(text, **self._bounds)
        except (TimeoutError, UnicodeError) as error:
            raise self._failed(error) from None
        return found

    def _failed(self, error: Exception) -> Failed:
        if isinstance(error, TimeoutError):
            return Failed(f"the pattern took longer than {_SECONDS * 1000:.0f} ms")
        return Failed("the text is no Unicode")


def compile_pattern(text: str) -> Pattern:
    """The pattern that ``text`` is; raises ``Failed`` where it is none, or longer than is compiled."""
    if len(text) > MOST_CHARACTERS:
        raise Failed(f"the pattern is longer than {MOST_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return Pattern(text, re2.compile(text, options), False)
    except (re2.error, UnicodeError):
        pass
    if len(text) > _MOST_BACKTRACKING_CHARACTERS:
        raise Failed(
            f"the pattern needs more than RE2 has, and is longer than {_MOST_BACKTRACKING_CHARACTERS} characters"
        )
    try:
        return Pattern(text, regex.compile(text, regex.ASCII), True)
    except (regex.error, ValueError, OverflowError, IndexError, KeyError, RecursionError) as error:
        raise Failed(f"{shortened(text)} is no pattern: {error}") from None


def shortened(text: str, limit: int = 40) -> str:
    """``text`` in quotes, cut where it is longer than ``limit`` characters."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
