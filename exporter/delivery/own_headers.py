"""The headers that every request of ours has, whoever makes it: for exports, for tokens, and to ask a daemon."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exporter import __version__
from exporter.delivery.request import Header

USER_AGENT: Final = f"exporter/{__version__}"


def own_headers(content_type: str, *, but: Collection[str] = ()) -> tuple[Header, ...]:
    """Whatever a firewall or a server may insist on. Answers are hardly ever unpacked (DESIGN 3), so none should come
    compressed.

    Args:
        content_type: of the request's body.
        but: names that the caller sets, in lower case: these are left out.
    """
    ours = (("Content-Type", content_type), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))
    return tuple(header for header in ours if header[0].lower() not in but)
