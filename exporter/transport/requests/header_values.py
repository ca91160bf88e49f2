"""Characters that no header may hold (RFC 9110 §5.5). Settings and token readers refuse them first: here a bug."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.messages.exchange import Header


def unfit(headers: Iterable[Header]) -> ValueError | None:
    """The error for the first header that no request can carry; the text names the header and shows no value."""
    for name, value in headers:
        text = name + value
        if "\r" in text or "\n" in text or "\0" in text:
            return ValueError(f"the header {name!r} holds CR, LF or NUL")
        if any(character > "\xff" for character in text):
            return ValueError(f"the header {name!r} holds what is not Latin-1")
    return None
