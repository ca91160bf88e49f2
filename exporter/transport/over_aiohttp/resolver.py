"""The look-ups of ``Resolver`` in aiohttp's terms."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.transport.resolver import Resolver

_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


class Resolving(AbstractResolver):
    """See ``Resolver``."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See ``AbstractResolver.resolve``.

        Raises:
            OSError: as ``Resolver.addresses``.
        """
        found = await self._resolver.addresses(host, port)
        return [
            ResolveResult(
                hostname=host,
                # With the interface of a link-local address, which a plain address lacks.
                host=socket.getnameinfo(address, _NUMERIC)[0],
                port=port,
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in found
            if family in (socket.AF_UNSPEC, of)
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""
