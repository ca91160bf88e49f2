"""The data plane's listener, opened by the section ``serve``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from exporter.daemon.serving.refusals import CannotServe
from exporter.source.collection.server.listener import Answered, Listener, ListenerOptions, open_listener
from exporter.source.collection.server.tls import RenewableContext
from exporter.source.collection.taking import Taking
from exporter.source.settings.serve import Serve


@asynccontextmanager
async def listening(
    taking: Taking,
    serving: Serve,
    certificate: RenewableContext | None,
    observe: Callable[[Answered], None],
    fault: Callable[[Exception], None],
) -> AsyncIterator[Listener]:
    """The data plane's listener. Raises ``CannotServe`` where the address cannot be listened at."""
    options = ListenerOptions(
        host=serving.host,
        port=serving.port,
        memory_bytes=serving.memory,
        tls=None if certificate is None else certificate.context,
        observe=observe,
        fault=fault,
    )
    async with AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(open_listener(taking, options))
        except OSError as error:
            words = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise CannotServe(f"cannot take records on {options.host}:{options.port}: {words}") from error
        yield listener
