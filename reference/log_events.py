"""docs/reference/log-events.md: every line that a daemon logs, with its level and its fields, from the sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.telemetry.held_back import HELD_BACK
from reference.log_calls import LEVELS, MORE, Line, lines
from reference.log_meanings import MEANINGS
from reference.markdown import code, listed, table

HEAD: Final = """\
# Log events

Every line that `exporter run` and `exporter serve` write to stderr, by its `event`. The page is made from the sources
(`python -m reference log-events`), so it has all of them.

A line has `timestamp` (ISO 8601, UTC), `level` and `event`, then its fields: as text on a terminal, as one JSON object a line otherwise
(`log.format`). Lines of one destination have its name as `destination`, those of a process among several its `shard`. Lines below
`log.level` are not written. A field that stands for others is written …. No line has a secret, a profile or an event's body in it; a
`trace` names calls of the exporter's own code, and quotes no data.

Libraries' own warnings and errors come as lines of theirs, with the library's name as `logger`.
"""


def every_line() -> Mapping[str, Line]:
    """The lines of the sources, and the one that is logged at the level of what it counts."""
    return {**lines(), HELD_BACK: Line(LEVELS[1:], ("of", "lines", "seconds", MORE))}


def log_events_page() -> str:
    """The text of the page. Raises KeyError where a line has no meaning."""
    found = every_line()
    texts = [HEAD]
    for heading, meanings in MEANINGS.items():
        rows = [(code(event), _levels(found[event]), _fields(found[event]), said) for event, said in meanings.items()]
        texts.append(f"\n## {heading}\n\n{table(('event', 'level', 'fields', 'meaning'), rows)}")
    return "".join(texts)


def _levels(line: Line) -> str:
    return ", ".join(level for level in LEVELS if level in line.levels)


def _fields(line: Line) -> str:
    named = listed(name for name in line.fields if name != MORE)
    return ", ".join(each for each in (named, MORE if MORE in line.fields else "") if each)
