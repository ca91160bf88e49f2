"""Lets a server of aiohttp listen."""

from __future__ import annotations

from aiohttp import web

from exporter.transport.listening import opened_sockets


async def listen(runner: web.ServerRunner, host: str, port: int, backlog: int = 128) -> None:
    """Serve on every address of ``host``, as ``opened_sockets``; raises likewise."""
    async with opened_sockets(host, port, backlog) as opened:
        while opened:
            await web.SockSite(runner, opened[-1], backlog=backlog).start()
            opened.pop()
