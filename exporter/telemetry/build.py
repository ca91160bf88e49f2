"""Which build of the exporter runs, and why not the compiled one (``hatch_build.py``)."""

from __future__ import annotations

import platform
from importlib import resources

import msgspec

from exporter.profile.native.projector import built
from exporter.telemetry.compilation import compiled
from exporter.telemetry.status import Build

#: What stands in a wheel beside this file, written by ``hatch_build.py``.
NOTE = "build.json"
#: Why nothing is compiled where there is no note.
NO_NOTE = "it runs from its sources, or was built without build hooks"


class _Missing(msgspec.Struct):
    """Why a wheel lacks a part; None for a part that it has."""

    modules: str | None = None
    projector: str | None = None


def this_build() -> Build:
    """The build that runs in this process."""
    note = resources.files(__package__).joinpath(NOTE)
    return build_of(compiled(), built() is not None, note.read_bytes() if note.is_file() else None)


def build_of(is_compiled: bool, native: bool, note: bytes | None) -> Build:
    """The build with or without compiled modules and the native projector.

    Args:
        note: what its wheel says; None where the package was made of no wheel, or nobody was asked to compile.
    """
    missing = _Missing(NO_NOTE, NO_NOTE) if note is None else msgspec.json.decode(note, type=_Missing)
    why = missing.projector if is_compiled else missing.modules
    if is_compiled and native:
        why = None
    elif why is None:
        why = "what was compiled cannot be loaded here"
    return Build(
        kind="compiled" if is_compiled else "interpreted",
        python=platform.python_version(),
        projector="native" if native else "python",
        why=why,
    )


def in_words(build: Build) -> str:
    """A build in a few words, as ``exporter --version`` and the log have it."""
    match build.kind, build.projector:
        case "compiled", "native":
            words = "compiled, native projector"
        case "compiled", _:
            words = "compiled, projector in Python"
        case _, "native":
            words = "plain Python, native projector"
        case _:
            words = "plain Python"
    return words if build.why is None else f"{words}: {build.why}"
