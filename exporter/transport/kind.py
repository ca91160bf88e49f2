"""Which transport a destination uses: what its configuration may say, and what that stands for."""

from __future__ import annotations

from typing import Literal

TransportKind = Literal["auto", "lean", "aiohttp"]


def chosen(kind: TransportKind, proxy: str | None) -> Literal["lean", "aiohttp"]:
    """The transport that ``kind`` stands for: ``auto`` is lean, but for a destination behind a proxy."""
    if kind == "auto":
        return "lean" if proxy is None else "aiohttp"
    return kind
