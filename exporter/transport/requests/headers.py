"""The headers of every request (for exports and tokens, to a proxy, to a daemon), and what no header may hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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


def unfit(headers: Iterable[Header]) -> ValueError | None:
    """The error for the first header that no request can carry (RFC 9110 §5.5); the text shows no value.

    Settings and token readers refuse such headers first, so one here is a bug.
    """
    for name, value in headers:
        text = name + value
        if "\r" in text or "\n" in text or "\0" in text:
            return ValueError(f"the header {name!r} holds CR, LF or NUL")
        if any(character > "\xff" for character in text):
            return ValueError(f"the header {name!r} holds what is not Latin-1")
    return None
