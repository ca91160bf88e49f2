"""The headers that every request of ours has, whoever makes it: for exports and tokens, to a proxy, to a daemon."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exporter import __version__
from exporter.messages.exchange import Header

USER_AGENT: Final = f"exporter/{__version__}"


def own_headers(content_type: str | None = None, *, but: Collection[str] = ()) -> tuple[Header, ...]:
    """What a firewall or a server may insist on. Of answers only a token's is ever unpacked, so none should
    come compressed.

    Args:
        content_type: of the request's body, if it has one.
        but: names that the caller sets, in lower case: these are left out.
    """
    ours = (("Content-Type", content_type), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))
    return tuple((name, value) for name, value in ours if value is not None and name.lower() not in but)
