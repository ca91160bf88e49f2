"""Splits and replaces in texts, as Java does, within the bounds of a run."""

from __future__ import annotations

from exporter.source.dataprep.patterns import Pattern
from exporter.source.dataprep.run import Run


def split_at(run: Run, text: str, pattern: Pattern) -> list[str]:
    """The parts of ``text`` between matches, as Java has them: without empty ones at the end."""
    parts: list[str] = []
    at = 0
    for match in pattern.every(text):
        run.look_at_the_clock()
        if match.end() == 0:
            continue
        parts.append(text[at : match.start()])
        at = match.end()
    if at == 0:
        return [text]
    parts.append(text[at:])
    while parts and not parts[-1]:
        parts.pop()
    return parts


def replaced_everywhere(run: Run, text: str, part: str, other: str) -> str:
    """``text`` with ``other`` wherever ``part`` stands. Raises ``Failed`` before a result beyond the bounds is made."""
    growth = len(other) - len(part)
    if growth > 0 and len(text) + growth * text.count(part) > run.max_bytes:
        raise run.too_large()
    return run.bounded_text(text.replace(part, other))
