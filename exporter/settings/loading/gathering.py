"""The files of a configuration put together: one tree of values, and the place of each value in the files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from exporter.sections.mistakes import Steps
from exporter.sections.operator_text import trimmed
from exporter.sections.paths import NoHome, located
from exporter.settings.loading.destination_defaults import DEFAULTS, OWN_KEYS, comparable, merged
from exporter.settings.loading.json_file import read_json
from exporter.settings.loading.plain_values import TEST_SUFFIXES, is_test_file, read_values
from exporter.settings.loading.problems import Problem
from exporter.settings.loading.yaml_file import Document, read_document


@dataclass(frozen=True, slots=True)
class Mount:
    """A file and the place of its root in the whole tree."""

    at: Steps
    document: Document


@dataclass(slots=True)
class Gathered:
    """``data`` is the whole tree; ``mounts`` are the files in the tree, ``documents`` all files in order of reading.

    ``taken`` are the places in each destination, by its index, whose values with all below come from the defaults
    (``with_defaults``). ``test_files`` are the files with tests beside the destinations' files, which are not read.
    """

    data: dict[str, Any]
    mounts: list[Mount]
    documents: list[Document]
    problems: list[Problem] = field(default_factory=list)
    taken: dict[int, set[Steps]] = field(default_factory=dict)
    test_files: list[Path] = field(default_factory=list)

    @property
    def destinations(self) -> list[Any]:
        """The destinations as written; none where they are written as anything but a list."""
        written = self.data.get("destinations")
        return written if isinstance(written, list) else []

    def with_defaults(self) -> dict[str, Any]:
        """The whole tree with the defaults merged into every destination."""
        defaults = self.data.get(DEFAULTS)
        if not isinstance(defaults, dict) or not defaults:
            return self.data
        shared = {key: value for key, value in defaults.items() if key not in OWN_KEYS}
        destinations = list(self.destinations)
        for index, own in enumerate(destinations):
            if isinstance(own, dict):
                destinations[index], self.taken[index] = merged(*comparable(shared, own))
        return {**self.data, "destinations": destinations} if destinations else self.data

    def origin(self, steps: Steps) -> Steps:
        """Where the value at ``steps`` was written: among the defaults, or at ``steps``."""
        match steps:
            case ("destinations", int(index), *rest) if any(
                tuple(rest[: len(place)]) == place for place in self.taken.get(index, ())
            ):
                return (DEFAULTS, *rest)
        return steps

    def _mount(self, steps: Steps) -> tuple[Document, Steps]:
        """The file that ``steps`` stand in, and the steps within the file."""
        steps = self.origin(steps)
        here = max((mount for mount in self.mounts if steps[: len(mount.at)] == mount.at), key=lambda m: len(m.at))
        return here.document, steps[len(here.at) :]

    def exists(self, steps: Steps) -> bool:
        """Whether a value was written at ``steps``, or a file is mounted at or below ``steps``."""
        document, local = self._mount(steps)
        return local in document.lines or any(mount.at[: len(steps)] == steps for mount in self.mounts)

    def holds(self, steps: Steps) -> bool:
        """Whether values were written below ``steps``."""
        document, local = self._mount(steps)
        return any(len(place) > len(local) and place[: len(local)] == local for place in document.lines)

    def is_mapping(self, steps: Steps) -> bool:
        """Whether a mapping was written at ``steps``."""
        value: Any = self.data
        for step in self.origin(steps):
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return False
        return isinstance(value, dict)

    def is_broken(self, steps: Steps) -> bool:
        """Whether the value at ``steps`` could not be had, which is a problem already."""
        document, local = self._mount(steps)
        return any(local[:length] in document.broken for length in range(len(local) + 1))

    def is_literal(self, steps: Steps) -> bool:
        """Whether the value itself stands in the file, also as a part of a text: neither ``!file`` nor ``${}``."""
        document, local = self._mount(steps)
        if local not in document.lines and not self.holds(self.origin(steps)[:-1]):
            local = local[:-1]  # headers, say, that are written as a single text
        return local in document.lines and local not in document.indirect

    def indirect(self) -> frozenset[Steps]:
        """The places of all values that came from ``!file`` or ``${}``, in whole or in part."""
        written = {(*mount.at, *steps) for mount in self.mounts for steps in mount.document.indirect}
        defaults = [steps[1:] for steps in written if steps[:1] == (DEFAULTS,)]
        copies = (("destinations", index, *steps) for index in self.taken for steps in defaults)
        merged_texts = (
            ("destinations", index, *place)
            for index, taken in self.taken.items()
            for place in taken
            if any(place[: len(steps)] == steps for steps in defaults)
        )
        return frozenset(written.union((copy for copy in copies if self.origin(copy) != copy), merged_texts))

    def problem(self, steps: Steps, reason: str) -> Problem:
        """A problem at ``steps``; where no value is written, the line is that of the section around."""
        document, local = self._mount(steps)
        known = [document.lines[local[:n]] for n in range(len(local), -1, -1) if local[:n] in document.lines]
        return Problem(document.file, known[0] if known else None, local, reason)

    def with_destination(self, problem: Problem) -> Problem:
        """The problem with the name of its destination, if the name stands in the file."""
        mount = next((mount for mount in self.mounts if mount.document.file == problem.file), None)
        name = self.destination_at((*mount.at, *problem.at)) if mount is not None else None
        return problem if name is None else replace(problem, destination=name)

    def destination_at(self, steps: Steps) -> str | None:
        """The name of the destination that ``steps`` lead into, if the name stands in the file."""
        match steps:
            case ("destinations", int(index), *_) if index < len(self.destinations):
                destination = self.destinations[index]
                name = destination.get("name") if isinstance(destination, dict) else None
                if isinstance(name, str) and name and self.is_literal(("destinations", index, "name")):
                    return name
        return None


def gather(file: Path, environ: Mapping[str, str], overrides: Mapping[Steps, str]) -> Gathered:
    """Read the main file, the files of ``destinations_dir`` and ``sources_dir``, and ``segments_file``.

    Args:
        file: the main file.
        environ: for ``${NAME}``.
        overrides: the variables that override values, by the steps to the value.
    """
    main = read_document(file, environ)
    gathered = Gathered({}, [Mount((), main)], [main], list(main.problems))
    if isinstance(main.value, dict):
        gathered.data = main.value
    elif not main.problems:
        gathered.problems.append(Problem(main.file, 1, (), "the file must hold a mapping"))
    dirs = {steps[0]: trimmed(environ[name]) for steps, name in overrides.items() if len(steps) == 1}
    _add_files(gathered, environ, dirs, "destinations_dir", "destinations", "one destination")
    _add_files(gathered, environ, dirs, "sources_dir", "sources", "one source")
    _add_segments(gathered, environ, dirs)
    _override_defaults(
        gathered, {steps[1:]: environ[name] for steps, name in overrides.items() if steps[0] == DEFAULTS}
    )
    return gathered


def _named(key: str, gathered: Gathered, dirs: Mapping[str | int, str]) -> Path | None:
    """The file or folder that ``key`` names; None where no name is given, or the name could not be had."""
    name = dirs.get(key, gathered.data.get(key))
    if not isinstance(name, str) or name in ("", "null") or "\0" in name or gathered.is_broken((key,)):
        return None
    try:
        return located(name)
    except NoHome:
        return None  # a mistake that the field itself reports


def _add_files(
    gathered: Gathered, environ: Mapping[str, str], dirs: Mapping[str | int, str], folder_key: str, key: str, what: str
) -> None:
    """Append what the files of the folder that ``folder_key`` names hold, each ``what``, to the list at ``key``."""
    listed = _named(folder_key, gathered, dirs)
    written = gathered.data.get(key) or []
    if listed is None or not isinstance(written, list):
        return
    try:
        files = sorted(file for file in listed.iterdir() if file.suffix in (".yaml", ".yml"))
    except OSError as error:
        reason = f"the folder cannot be read: {error.strerror or 'unknown error'}"
        gathered.problems.append(gathered.problem((folder_key,), reason))
        return
    items = list(written)
    for file in files:
        if file.name.startswith(".") or os.path.isdir(file):  # noqa: PTH112 - pathlib raises where it may not look
            continue
        if is_test_file(file):
            _add_test_file(gathered, file)
            continue
        document = read_document(file, environ)
        gathered.problems.extend(document.problems)
        at = (key, len(items))
        gathered.documents.append(document)
        if isinstance(document.value, dict):
            gathered.mounts.append(Mount(at, document))
            items.append(document.value)
        elif not document.problems:
            gathered.problems.append(Problem(document.file, 1, (), f"the file must hold {what}, as a mapping"))
    gathered.data = {**gathered.data, key: items}


def _add_test_file(gathered: Gathered, file: Path) -> None:
    """Leave ``file`` to ``exporter test``, unless it holds a destination, which would go without being exported to."""
    value = read_values(file).value
    if isinstance(value, dict) and "endpoint" in value:
        reason = f"a file whose name ends with {TEST_SUFFIXES[0]} holds tests, and this one a destination: rename it"
        gathered.problems.append(Problem(str(file), 1, (), reason))
    gathered.test_files.append(file)


def _add_segments(gathered: Gathered, environ: Mapping[str, str], dirs: Mapping[str | int, str]) -> None:
    file = _named("segments_file", gathered, dirs)
    if file is None:
        return
    if gathered.data.get("segments"):
        gathered.problems.append(gathered.problem(("segments_file",), "give either segments or segments_file"))
        return
    document = read_json(file) if file.suffix == ".json" else read_document(file, environ)
    gathered.problems.extend(document.problems)
    gathered.documents.append(document)
    if isinstance(document.value, list):
        gathered.mounts.append(Mount(("segments",), document))
        gathered.data = {**gathered.data, "segments": document.value}
    elif not document.problems:
        gathered.problems.append(Problem(document.file, 1, (), "the file must hold a list of segments"))


def _override_defaults(gathered: Gathered, overrides: Mapping[Steps, str]) -> None:
    """Put the texts of variables, by the steps from there, into the defaults."""
    defaults = gathered.data.get(DEFAULTS, {})
    for steps, text in overrides.items():
        value: Any = None if text == "null" else trimmed(text)
        for step in reversed(steps):
            value = {step: value}
        if isinstance(defaults, dict) and isinstance(value, dict):  # otherwise refused as no mapping
            defaults, _ = merged(defaults, value)
    if overrides:
        gathered.data = {**gathered.data, DEFAULTS: defaults}
