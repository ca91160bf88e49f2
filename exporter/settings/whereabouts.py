"""The place of a queue or a state, for people."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from exporter.sections.paths import absolute

_WHERE = ("path", "url", "bootstrap_servers", "stream", "topic", "key_prefix")


def whereabouts(section: BaseModel) -> str:
    """The kind and place of a section, as ``redis at redis://127.0.0.1:6379/0, profile-changes``; without secrets."""
    kind = str(getattr(section, "kind", ""))
    places = [str(getattr(section, name)) for name in _WHERE if getattr(section, name, None) is not None]
    return f"{kind} at {', '.join(places)}" if places else kind


def not_yet_made(section: BaseModel) -> Path | None:
    """The file of a queue or a state, as an absolute path, where opening makes that file; None where it is there."""
    path = getattr(section, "path", None)
    try:
        return absolute(path) if isinstance(path, Path) and not path.exists() else None
    except OSError:
        return None  # unknown; opening the file will say why
