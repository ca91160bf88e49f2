"""uvloop's event loop, which uses none of the threads of its library.

Those threads look names up, for everyone two at a time: where a broker's name server is silent, the look-ups of the
broker's client hold both, and nothing else could be looked up. And where the system has no thread left, the library
aborts the process at the first look-up. Servers are opened by ``exporter.daemon.ops.listening`` for the same reason.
"""

from __future__ import annotations

import socket
from typing import Any

import uvloop
from aiohappyeyeballs import start_connection

from exporter.transport.resolver import Resolver


class Loop(uvloop.Loop):
    """uvloop's loop, with plain addresses answered at once, and each name looked up on a separate thread."""

    def __init__(self) -> None:
        super().__init__()
        self._resolver = Resolver(self)

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return await self._resolver.found(host, port, **options)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        if host is None or options.get("sock") is not None or options.get("local_addr") is not None:
            return await super().create_connection(protocol_factory, host, port, **options)
        wanted = {name: options.pop(name, 0) for name in ("family", "proto", "flags")}
        found = await self.getaddrinfo(host, port, type=socket.SOCK_STREAM, **wanted)
        if options.get("ssl") and options.get("server_hostname") is None:
            options["server_hostname"] = host
        connected = await start_connection(found, loop=self)
        return await super().create_connection(protocol_factory, sock=connected, **options)

    async def shutdown_default_executor(self, *arguments: Any) -> None:
        try:
            await super().shutdown_default_executor(*arguments)
        except RuntimeError as error:
            # It waits on a thread. Without one, the executor is closed with the loop.
            if str(error) != "can't start new thread":
                raise
