"""The headers of every request that the exporter makes: for exports and tokens, to a proxy, to a daemon."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exporter import __version__
from exporter.messages.exchange import Header

USER_AGENT: Final = f"exporter/{__version__}"


def own_headers(content_type: str | None = None, *, but: Collection[str] = ()) -> tuple[Header, ...]:
    """The headers that a firewall or a server may insist on, and the wish for answers without compression.

    Only a token server's answer is ever unpacked, so no answer should come compressed.

    Args:
        content_type: of the request's body; None without a body.
        but: headers to leave out, since the caller sets them, in lower case.
    """
    ours = (("Content-Type", content_type), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))
    return tuple((name, value) for name, value in ours if value is not None and name.lower() not in but)
