"""Stands in for the system's resolver, on the threads that ask it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

Found = list[tuple[Any, ...]]

_PATIENCE_SECONDS = 30.0


def stand_in(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[str], Found]) -> None:
    """``look_up`` answers for every name; addresses are what they are."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, *rest: Any, **options: Any) -> Any:
        try:
            return real(host, port, *rest, **(options | {"flags": socket.AI_NUMERICHOST}))
        except socket.gaierror:
            if options.get("flags", 0) & socket.AI_NUMERICHOST:
                raise
            return look_up(host)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def at(port: int, *addresses: str) -> Found:
    """What a name is that stands for these addresses, 127.0.0.1 if none is given."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses or ("127.0.0.1",)]


@contextmanager
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Until this is left, nobody answers; yields the names that are asked for."""
    asked: list[str] = []
    ended = threading.Event()

    def never(host: str) -> Found:
        asked.append(host)
        ended.wait(_PATIENCE_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    stand_in(monkeypatch, never)
    try:
        yield asked
    finally:
        ended.set()


async def until_asked(asked: list[str], host: str) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while host not in asked:  # noqa: ASYNC110 (a thread appends to it)
            await asyncio.sleep(0.005)
