"""The library's client, made quiet, and made to tell for certain when the connection is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from nats import errors
from nats.aio.client import Client

from exporter.queues.jetstream.failures import not_permitted

_CLOSE_SECONDS = 2.0
_PERMISSIONS = "permissions violation"


class QuietClient(Client):
    """Connects once. ``gone`` is called when the connection is over, ``refused`` with each denied permission."""

    def __init__(self, gone: Callable[[QuietClient], None], refused: Callable[[str], None]) -> None:
        super().__init__()
        self._told_gone = gone
        self._told_refused = refused
        self.noted: Exception | None = None
        self.refusal: str | None = None

    async def note(self, error: Exception) -> None:
        """Keep an error that the library would log."""
        text = str(error).removeprefix("nats: ").lower()
        if text.startswith(_PERMISSIONS):
            self.refusal = not_permitted(text)
            self._told_refused(text)
        else:
            self.noted = error

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        # All ways of losing a connection lead here. No caller waits for unsent data any more; a flush into a broken
        # transport would raise in a task that is never looked at.
        self._pending = []
        self._pending_data_size = 0
        try:
            await super()._close(status, do_cbs)
        except OSError as error:
            self.noted = self.noted or error
        finally:
            self._told_gone(self)


async def discard(client: Client) -> None:
    """Close ``client``, whatever the client's state."""
    # No caller waits for data under way any more, and a farewell over TLS takes long or is complained about.
    writer = getattr(client._transport, "_io_writer", None)
    if writer is not None:
        writer.transport.abort()
    with suppress(TimeoutError, OSError, errors.Error):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()
