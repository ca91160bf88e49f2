"""Where a queue or a state is, for people."""

from __future__ import annotations

from pydantic import BaseModel

_WHERE = ("path", "url", "bootstrap_servers", "stream", "topic", "key_prefix")


def whereabouts(section: BaseModel) -> str:
    """A section's kind and place, as ``redis at redis://127.0.0.1:6379/0, profile-changes``; no secret is in it."""
    kind = str(getattr(section, "kind", ""))
    places = [str(getattr(section, name)) for name in _WHERE if getattr(section, name, None) is not None]
    return f"{kind} at {', '.join(places)}" if places else kind
