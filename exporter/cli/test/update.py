"""Writes into a file of tests what is sent now; the rest of the file stays as it is, comments included."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import NamedTemporaryFile

from yaml import YAMLError

from exporter.cli.test.json_tree import Json, same, typed
from exporter.cli.test.running import Outcome, sent_now
from exporter.cli.test.yaml_edit import changed
from exporter.sections.mistakes import Steps
from exporter.settings.loading.plain_values import values_in

#: The number of a test in its file, from 0, and a destination.
Place = tuple[int, str]


def update(file: Path, outcomes: Mapping[Place, Outcome]) -> set[Place]:
    """Write what is expected at each place anew; returns the places where the text could not be changed safely.

    Raises:
        OSError: the file cannot be read or written; it is as it was.
    """
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "it is not UTF-8 text") from None
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    whole = text = text.removeprefix("\ufeff")
    expected = _tree(text)
    wanted: dict[Place, dict[Steps, Json]] = {
        (index, name): {
            ("tests", index, "expect", name): sent_now(expected["tests"][index]["expect"][name] or {}, outcome)
        }
        for (index, name), outcome in outcomes.items()
    }
    left: set[Place] = set()
    updated = _changed_safely(text, {steps: value for change in wanted.values() for steps, value in change.items()})
    if updated is not None:
        text = updated
    else:  # one by one, so that the others are written
        for place, change in wanted.items():
            if (updated := _changed_safely(text, change)) is not None:
                text = updated
            else:
                left.add(place)
    if text != whole:
        _write(file.resolve(), (mark + text).encode())
    return left


def _changed_safely(text: str, changes: Mapping[Steps, Json]) -> str | None:
    """The changed text; None where it would not be read as just these changes."""
    wanted = deepcopy(_tree(text))
    for (*way, name), value in changes.items():
        around = wanted
        for step in way:
            around = around[step]
        around[name] = value
    try:
        updated = changed(text, changes)
    except (KeyError, IndexError, YAMLError):
        return None
    return updated if same(_tree(updated), wanted) else None


def _tree(text: str) -> Json:
    return typed(values_in(text.encode()).value)


def _write(file: Path, content: bytes) -> None:
    """Put a whole new file in place of the old one, with the same mode."""
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            shutil.copymode(file, new.name)
            os.replace(new.name, file)  # noqa: PTH105 - the name is text
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
