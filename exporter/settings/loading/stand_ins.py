"""Lets a configuration be loaded without its secrets: what stands in for variables and files that are not here.

For commands that send nothing, such as ``exporter test`` on a machine that has no secrets and should have none. Nothing
stands in for a value that decides what is exported, and in what shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.sections.mistakes import Steps
from exporter.sections.paths import NoHome, located
from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.sections.tls import Tls
from exporter.settings.loading.gathering import Gathered, Mount
from exporter.settings.loading.problems import Problem
from exporter.settings.loading.yaml_file import Absent
from exporter.source.settings.serve import ServeTls

#: Keys of the whole, of a destination and of its defaults.
_DECIDE = frozenset(
    {
        *(
            "destinations",
            "defaults",
            "destinations_dir",
            "segments_file",
            "segments",
            "max_event_bytes",
            "name",
            "attributes",
            "identity_fields",
        ),
        *("segment_membership", "include_segment_names", "include_segment_timestamps", "position_header"),
        *("require_membership", "activate_on"),
    }
)
#: What a field may want in place of a text: an address, or a number. Else it is left out, for its default.
_SHAPES = ("https://{}/", "redis://{}", "nats://{}", "{}:1", "1")
#: Keys of sections ``tls`` that name files, and the one of a client of ``serve.ims``.
_PEM_FILES = frozenset({*Tls.model_fields, *ServeTls.model_fields})
_CLIENT_KEY = "jwt_public_key_file"


@dataclass(frozen=True, slots=True)
class _Place:
    """A value that something stands in for, in the mapping or list ``around``; ``others`` could stand there too.

    None among the others stands for no value at all.
    """

    problem: Problem
    around: Any
    key: str | int
    others: list[str | None]


class StandIns:
    """The stand-ins of a configuration, put into its values.

    Attributes:
        names: the variables and files that are not here.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._places: dict[tuple[str, Steps], _Place] = {}
        names: dict[str, None] = {}
        stand_ins: list[str] = []
        for mount in gathered.mounts:
            for steps, absent in mount.document.absent.items():
                if not _decides((*mount.at, *steps)) and isinstance(mount.document.value, dict):
                    self._put(gathered, mount, steps, absent)
                    names[absent.what] = None
                    stand_ins.append(absent.stand_in)
        for name in _without_missing_files(gathered.data):
            if not name.endswith(tuple(stand_ins)):  # which is named as a variable already
                names[name] = None
        self.names = tuple(names)

    def _put(self, gathered: Gathered, mount: Mount, steps: Steps, absent: Absent) -> None:
        *way, key = (*mount.at, *steps)
        around: Any = gathered.data
        for step in way:
            around = around[step]
        around[key] = absent.stand_in
        mount.document.broken.discard(steps)
        gathered.problems.remove(absent.problem)
        others: list[str | None] = [shape.format(absent.stand_in) for shape in _SHAPES]
        if isinstance(around, dict):
            others.append(None)
        self._places[(absent.problem.file, steps)] = _Place(absent.problem, around, key, others)

    def replaced(self, problems: Iterable[Problem]) -> bool:
        """Put something else where a stand-in was refused; whether there was anything left to try."""
        found = False
        for at in dict.fromkeys((problem.file, problem.at) for problem in problems):
            place = self._places.get(at)
            if place is not None and place.others:
                found = True
                other = place.others.pop(0)
                if other is None:
                    del place.around[place.key]
                else:
                    place.around[place.key] = other
        return found

    def translated(self, problems: Iterable[Problem]) -> list[Problem]:
        """``problems``, but where a stand-in was refused, the problem that the value itself is not here."""
        places = [(problem, self._places.get((problem.file, problem.at))) for problem in problems]
        return [problem if place is None else place.problem for problem, place in places]


def _decides(steps: Steps) -> bool:
    """Whether the value at ``steps`` says what is exported, and so is needed."""
    match steps:
        case ("destinations", _, key, *_) | ("defaults", key, *_) | (key, *_):
            return key in _DECIDE
        case _:
            return False


def _without_missing_files(value: Any) -> Iterator[str]:
    """Take out keys of clients, and the files of every section ``tls``, that are not here; yields their names."""
    parts: list[Any] = []
    if isinstance(value, dict):
        key_file = value.get(_CLIENT_KEY)
        if isinstance(key_file, str) and key_file and not _is_here(key_file):
            del value[_CLIENT_KEY]
            yield key_file
        tls = value.get("tls")
        if isinstance(tls, dict):
            files = [file for key in tls if key in _PEM_FILES and isinstance(file := tls[key], str) and file]
            if absent := [file for file in files if not _is_here(file)]:
                value["tls"] = {key: one for key, one in tls.items() if key not in _PEM_FILES}
                yield from absent
        parts = list(value.values())
    elif isinstance(value, list):
        parts = value
    for part in parts:
        yield from _without_missing_files(part)


def _is_here(file: str) -> bool:
    try:
        read_regular(located(file), TLS_BYTES)
    except (OSError, NoHome):
        return False
    return True
