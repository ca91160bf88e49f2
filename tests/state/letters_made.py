"""Dead letters for tests: sensible values, each of which a test may replace."""

from __future__ import annotations

from typing import Any

from exporter.state.letter import NewLetter

GROUP = "exporter.crm"


def letter(position: int, **values: Any) -> NewLetter:
    """A rejected export of profile ``p-<position>`` in lane ``j``."""
    given: dict[str, Any] = {
        "group": GROUP,
        "lane": "j",
        "position": position,
        "destination": "crm",
        "profile_id": f"p-{position}",
        "event_id": f"e-{position}",
        "body": b'{"profileId": "p"}',
        "reason": "rejected",
        "detail": "status 422",
        "status": 422,
        "attempts": 1,
        "answer": b"no",
        "first_at": 1000.0 + position,
        "at": 2000.0 + position,
    }
    return NewLetter(**{**given, **values})
