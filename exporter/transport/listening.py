"""Opens the sockets of a server before the event loop gets them: uvloop's library would start threads for a look-up."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: What an address of a name comes to where the system lacks the address's family.
_LACKING = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


@asynccontextmanager
async def opened_sockets(host: str, port: int, backlog: int) -> AsyncIterator[list[socket.socket]]:
    """Sockets that listen on every address of ``host`` (of this machine, where it is empty); ``port`` 0: any.

    What is still in the list at the end is closed: who goes on with a socket takes it out.

    Raises:
        OSError: the host is no address of this machine, or an address cannot be listened on.
        OverflowError: there is no such port.
    """
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    opened: list[socket.socket] = []
    try:
        lacking = None
        for family, *_, address in dict.fromkeys(found):
            try:
                opened.append(socket.create_server(address, family=family, backlog=backlog))
            except OSError as error:
                if error.errno not in _LACKING:
                    raise
                lacking = error
        if lacking is not None and not opened:
            raise lacking
        yield opened
    finally:
        for unused in opened:
            unused.close()
