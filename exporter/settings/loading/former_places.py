"""Databases at the places of older exporters, whose relative paths began at the current folder.

To begin a new database beside such an old one would lose what stands in the old one, unread and unsaid.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from exporter.sections.mistakes import Steps
from exporter.sections.paths import absolute, expanded
from exporter.settings.loading.gathering import Gathered
from exporter.settings.loading.problems import Problem
from exporter.settings.tree import Settings

#: The defaults of older exporters, below the current folder, and the last version of the tables that they made.
_FORMER = {"queue": ("data/queue.db", 2), "state": ("data/state.db", 3)}
_PLAIN = re.compile(r"/[A-Za-z0-9._/@%+=-]*")


def left_behind(settings: Settings, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[Problem]:
    """A problem for each database that is missing at its place and stands at the place of an older exporter."""
    for key, place, former in _former(settings, gathered, overrides):
        if _is_missing(place):
            section = gathered.data.get(key)
            reason = _reason(key, absolute(place), absolute(former), has_section=isinstance(section, dict))
            yield gathered.problem((key, "path"), reason)


def unread(settings: Settings, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[str]:
    """A note for each database that stands at the place of an older exporter beside the one that is used."""
    for key, place, former in _former(settings, gathered, overrides):
        section = gathered.data.get(key)
        is_written = isinstance(section, dict) and section.get("path") is not None
        if is_written and not _is_missing(place) and not _same_file(place, former):
            yield (
                f"{key}: {absolute(place)} is used, and nothing reads the older database at {absolute(former)}, where "
                "the path led before paths began at the folder of their file"
            )


def _former(settings: Settings, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[tuple[str, Path, Path]]:
    """The key, the place and the former place of each database that an older exporter would have found elsewhere.

    Where that exporter ran is not known: most likely in the current folder, in that of the configuration, or above it.
    The default of today was nobody's path before: a configuration that has it was written for today's rule. And a
    database that an exporter of today has made or opened is in use at its place: a neighbour's, say.
    """
    if not isinstance(gathered.documents[0].value, dict):
        return  # what the file says of its databases is not known
    folder = Path(gathered.documents[0].file).parent
    for key, (former_default, last_version) in _FORMER.items():
        place = getattr(getattr(settings, key), "path", None)
        if not isinstance(place, Path) or (key, "path") in overrides:
            continue
        section = gathered.data.get(key)
        text = section.get("path") if isinstance(section, dict) else None
        if text == str(type(getattr(settings, key)).model_fields["path"].default):
            continue
        former = expanded(former_default if text is None else text)
        for start in (Path(), folder, folder / ".."):
            candidate = start / former
            # pathlib raises where a folder may not be searched
            is_another = os.path.isfile(candidate) and absolute(candidate) != absolute(place)  # noqa: PTH113
            if is_another and _is_former(key, candidate, last_version):
                yield key, place, absolute(candidate)
                break


def _is_former(key: str, file: Path, last_version: int) -> bool:
    from exporter.database.schema_version import schema_version
    from exporter.queues.journal.tables import SCHEMA
    from exporter.state.sqlite.schema import APPLICATION_ID

    version = schema_version(file, SCHEMA.application_id if key == "queue" else APPLICATION_ID)
    return version is not None and 0 < version <= last_version


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False  # unknown; opening the file will say why
    return False


def _reason(key: str, new: Path, former: Path, *, has_section: bool) -> str:
    moving = f"mkdir -p {shlex.quote(str(new.parent))} && mv {shlex.quote(str(former))}* {shlex.quote(str(new.parent))}"
    return (
        "a relative path begins at the folder of the file that it stands in, no longer at the current folder: there is "
        f"no database at {new}, but an older one at {former}. To keep it, stop what uses it and run `{moving}`, or "
        f"write `{_line(key, former, has_section)}`; to begin anew, write `{_line(key, new, has_section)}`"
    )


def _line(key: str, file: Path, has_section: bool) -> str:
    """The line of YAML that names the file."""
    text = str(file)
    if not _PLAIN.fullmatch(text):
        text = "'" + text.replace("'", "''").replace("${", "$${") + "'"
    return f"path: {text}" if has_section else f"{key}: {{path: {text}}}"
