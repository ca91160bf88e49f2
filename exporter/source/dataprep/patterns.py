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
#: Characters of a text times instructions of a pattern: RE2 took 5 to 35 ns for each where its automaton was too large.
_MOST_STEPS = 4_000_000
#: What backtracks is compiled in Python, and not in linear time.
_MOST_BACKTRACKING_CHARACTERS = 500


def _quiet() -> Any:
    """The options with which RE2 writes nothing to the standard error output."""
    options = re2.Options()
    options.log_errors = False
    return options


_QUIET = _quiet()


class Match(Protocol):
    """What both libraries find."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, group: int = 0, /) -> str | None: ...
    def groups(self) -> tuple[str | None, ...]: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression. Its methods raise ``Failed`` where a text takes too long, or is no Unicode."""

    text: str
    compiled: Any
    #: How long a text may be; None where the time is bounded instead.
    most_characters: int | None

    def whole(self, text: str) -> Match | None:
        """The match of all of ``text``."""
        return self._tried("fullmatch", text)

    def first(self, text: str) -> Match | None:
        """The first match in ``text``."""
        return self._tried("search", text)

    def every(self, text: str) -> Iterator[Match]:
        """All matches in ``text`` that do not overlap; each may take as long as the first."""
        self._look_at_the_length(text)
        try:
            yield from self.compiled.finditer(text, **self._bounds)
        except (TimeoutError, UnicodeError) as error:
            raise self._failed(error) from None

    @property
    def _bounds(self) -> dict[str, float]:
        return {"timeout": _SECONDS} if self.most_characters is None else {}

    def _look_at_the_length(self, text: str) -> None:
        if self.most_characters is not None and len(text) > self.most_characters:
            raise Failed(f"the text has more than {self.most_characters} characters, which is much for its pattern")

    def _tried(self, method: str, text: str) -> Match | None:
        self._look_at_the_length(text)
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
    try:
        compiled = re2.compile(text, _QUIET)
        return Pattern(text, compiled, _MOST_STEPS // compiled.programsize)
    except (re2.error, UnicodeError):
        pass
    if len(text) > _MOST_BACKTRACKING_CHARACTERS:
        raise Failed(
            f"the pattern needs more than RE2 has, and is longer than {_MOST_BACKTRACKING_CHARACTERS} characters"
        )
    try:
        return Pattern(text, regex.compile(text, regex.ASCII), None)
    except (regex.error, ValueError, OverflowError, IndexError, KeyError, RecursionError) as error:
        raise Failed(f"the text is no pattern: {error}") from None
