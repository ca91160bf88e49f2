"""Looks up each name on a separate thread: a silent name server holds up no other look-up, nor the process's end.

The event loops' own look-ups share a few threads, two at a time with uvloop; a look-up that was given up keeps its
thread; and a process waits for all these threads before ending. Where the system has no thread left, uvloop's library
aborts the process. A look-up takes as long as the system's resolver is patient: half a minute is usual.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

from aiohappyeyeballs import AddrInfoType

_Found = list[AddrInfoType] | OSError
_Key = tuple[Any, Any, frozenset[tuple[str, int]]]


class Resolver:
    """Look-ups from one event loop, as those of one destination. Callers that ask for the same name share a look-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asked: dict[_Key, asyncio.Future[_Found]] = {}

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """The addresses for TCP connections to ``host``, at least one.

        Raises:
            OSError: there is none, or the look-up failed; a ``socket.gaierror`` where the resolver said so.
        """
        return await self.found(host, port, type=socket.SOCK_STREAM)

    async def found(self, host: Any, port: Any, **options: int) -> list[AddrInfoType]:
        """As ``socket.getaddrinfo``, with the same options. Raises as ``addresses``."""
        numeric = options | {"flags": options.get("flags", 0) | socket.AI_NUMERICHOST}
        with suppress(OSError, UnicodeError):  # a name, no address
            return list(socket.getaddrinfo(host, port, **numeric))
        key = (host, port, frozenset(options.items()))
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = self._loop.create_future()
            try:
                threading.Thread(target=self._look_up, args=(key,), name=f"resolver {host}", daemon=True).start()
            except RuntimeError:
                self._answered(key, socket.gaierror(socket.EAI_AGAIN, "no thread is left to look the name up"))
        found = await asyncio.shield(asked)
        if isinstance(found, OSError):
            raise found.with_traceback(None)
        return list(found)

    def _answered(self, key: _Key, found: _Found) -> None:
        asked = self._asked.pop(key)
        if not asked.done():
            asked.set_result(found)

    # From here on: the thread.

    def _look_up(self, key: _Key) -> None:
        host, port, options = key
        found: _Found
        try:
            found = list(socket.getaddrinfo(host, port, **dict(options)))
        except OSError as error:
            found = error
        except UnicodeError:
            found = socket.gaierror(socket.EAI_NONAME, "this is no name")
        except BaseException as error:
            # The waiting callers must hear of any error: all later callers would join a look-up without an end.
            found = socket.gaierror(socket.EAI_FAIL, f"the look-up failed: {type(error).__name__}")
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._answered, key, found)
