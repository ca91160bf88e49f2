"""The data plane's listener: opened by the section ``serve``, and its certificate, which a reload renews."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from exporter.daemon.serving.refusals import CannotServe
from exporter.daemon.slots.certificates import refuse_odd_files
from exporter.source.collection.server.listener import Answered, Listener, ListenerOptions, open_listener
from exporter.source.collection.server.tls import RenewableContext, listener_context
from exporter.source.collection.taking import Taking
from exporter.source.settings.serve import Serve, ServeTls
from exporter.transport.tls.contexts import TlsFilesUnusable


def context_of(section: ServeTls) -> ssl.SSLContext | None:
    """The context by ``section``, None for plain HTTP; reads files.

    Raises:
        TlsFilesUnusable: a file cannot be read or used.
    """
    if section.cert_file is None:
        return None
    refuse_odd_files(section)
    return listener_context(section.cert_file, section.key_file, section.client_ca_file)


def certificate_of(section: ServeTls) -> RenewableContext | None:
    """As ``context_of``, to begin with.

    Raises:
        CannotServe: a file cannot be read or used.
    """
    try:
        context = context_of(section)
    except TlsFilesUnusable as error:
        raise CannotServe(f"serve.tls: {error}") from error
    return None if context is None else RenewableContext(context)


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
