"""Which transport a destination uses: the kinds that a configuration may name, and the transport of each."""

from __future__ import annotations

from typing import Literal

TransportKind = Literal["auto", "lean", "aiohttp"]


def chosen(kind: TransportKind, proxy: str | None) -> Literal["lean", "aiohttp"]:
    """The transport that ``kind`` stands for: ``auto`` is lean, and aiohttp behind a proxy."""
    if kind == "auto":
        return "lean" if proxy is None else "aiohttp"
    return kind
