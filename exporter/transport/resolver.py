"""Looks up each name on a separate thread: a silent name server holds up no other look-up, nor the process's end.

The event loops' own look-ups share a few threads, two at a time with uvloop, which uses such a thread even before
connecting to an address; a look-up that was given up keeps its thread; and a process waits for all these threads before
ending. A look-up takes as long as the system's resolver is patient: half a minute is usual.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

from aiohappyeyeballs import AddrInfoType

_Found = list[AddrInfoType] | OSError


class Resolver:
    """The look-ups of one destination, from one event loop. Callers that ask for the same name share a look-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asked: dict[tuple[str, int], asyncio.Future[_Found]] = {}

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """The addresses for TCP connections to ``host``, at least one.

        Raises:
            OSError: there is none, or the look-up failed; a ``socket.gaierror`` where the resolver said so.
        """
        with suppress(OSError, UnicodeError):  # a name, no address
            return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
        key = (host, port)
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

    def _answered(self, key: tuple[str, int], found: _Found) -> None:
        asked = self._asked.pop(key)
        if not asked.done():
            asked.set_result(found)

    # From here on: the thread.

    def _look_up(self, key: tuple[str, int]) -> None:
        host, port = key
        found: _Found
        try:
            found = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found = error
        except UnicodeError:
            found = socket.gaierror(socket.EAI_NONAME, "this is no name")
        except BaseException as error:
            # The waiting callers must hear of any error: all later callers would join a look-up without an end.
            found = socket.gaierror(socket.EAI_FAIL, f"the look-up failed: {type(error).__name__}")
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._answered, key, found)
