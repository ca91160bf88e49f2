"""The notes of ``exporter check``: those that concern the chosen destinations, and equal ones in a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.sections.printable import counted

_NAMES_SHOWN = 20


def of_these(notes: Iterable[str], chosen: Sequence[str], every: Sequence[str]) -> list[str]:
    """The notes without those on other destinations; a note on a destination begins with ``name: ``."""
    return [note for note in notes if (name := _subject(note, every)) is None or name in chosen]


def grouped(notes: Iterable[str], destinations: Sequence[str]) -> list[str]:
    """The notes, each once: what is said of several destinations, with their number and names."""
    subjects: dict[str, list[str]] = {}
    for note in notes:
        name = _subject(note, destinations)
        subjects.setdefault(note if name is None else note.removeprefix(f"{name}: "), []).extend(
            [] if name is None else [name]
        )
    return [_line(text, names) for text, names in subjects.items()]


def _subject(note: str, destinations: Sequence[str]) -> str | None:
    """The destination that a note is about."""
    name, colon, _ = note.partition(": ")
    return name if colon and name in destinations else None


def _line(text: str, names: Sequence[str]) -> str:
    if len(names) < 2:
        return ": ".join((*names, text))
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{counted(len(names), 'destination')}: {text} ({shown})"
