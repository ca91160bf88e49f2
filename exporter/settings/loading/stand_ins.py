"""Lets a configuration be loaded without its secrets: what stands in for variables and files that are not here.

For commands that send nothing, such as ``exporter test`` on a machine that has no secrets and should have none. Nothing
stands in for a value that decides what is exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from exporter.sections.mistakes import Steps
from exporter.sections.paths import NoHome, expanded
from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.settings.loading.gathering import TLS_FILES, Gathered, Mount
from exporter.settings.loading.problems import Problem
from exporter.settings.loading.yaml_file import Absent

_DECIDE = frozenset({"name", "segments", "attributes", "identity_fields", "destinations_dir", "segments_file"})


class StandIns:
    """The stand-ins of a configuration, put into its values.

    Attributes:
        names: the variables and files that are not here.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._absent: dict[tuple[str, Steps], Problem] = {}
        names: dict[str, None] = {}
        stand_ins: list[str] = []
        for mount in gathered.mounts:
            for steps, absent in mount.document.absent.items():
                if _decides((*mount.at, *steps)):
                    continue
                self._put(gathered, mount, steps, absent)
                names[absent.what] = None
                stand_ins.append(absent.stand_in)
        for name in _without_tls_files(gathered.data):
            if not name.endswith(tuple(stand_ins)):  # which is named as a variable already
                names[name] = None
        self.names = tuple(names)

    def _put(self, gathered: Gathered, mount: Mount, steps: Steps, absent: Absent) -> None:
        *way, last = (*mount.at, *steps)
        around: Any = gathered.data
        for step in way:
            around = around[step]
        around[last] = absent.stand_in
        mount.document.broken.discard(steps)
        gathered.problems.remove(absent.problem)
        self._absent[(absent.problem.file, absent.problem.at)] = absent.problem

    def translated(self, problems: Iterable[Problem]) -> list[Problem]:
        """``problems``, but where a stand-in was refused, the problem that the value itself is not here."""
        return [self._absent.get((problem.file, problem.at), problem) for problem in problems]


def _decides(steps: Steps) -> bool:
    """Whether the value at ``steps`` says what is exported, and so is needed."""
    match steps:
        case ("destinations", _, key, *_) | ("defaults", key, *_) | (key, *_):
            return key in _DECIDE
        case _:
            return False


def _without_tls_files(value: Any) -> Iterator[str]:
    """Take out every section ``tls`` with a file that is not here; yields these files."""
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        tls = value.get("tls")
        if isinstance(tls, dict):
            files = [file for key in TLS_FILES if isinstance(file := tls.get(key), str) and file]
            if absent := [file for file in files if not _is_here(file)]:
                value["tls"] = {key: one for key, one in tls.items() if key not in TLS_FILES}
                yield from absent
        parts = list(value.values())
    elif isinstance(value, list):
        parts = value
    for part in parts:
        yield from _without_tls_files(part)


def _is_here(file: str) -> bool:
    try:
        read_regular(Path(expanded(file)), TLS_BYTES)
    except (OSError, NoHome):
        return False
    return True
