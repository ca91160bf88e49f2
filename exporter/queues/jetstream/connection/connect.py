"""Makes the connection, once, or says in words why no connection could be made, with the remedy."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from nats import errors

from exporter.queues.jetstream.connection.client import QuietClient, discard
from exporter.queues.jetstream.connection.replies import Replies
from exporter.queues.jetstream.connection.sign_in import Access
from exporter.queues.jetstream.failures import in_words, is_refused_sign_in
from exporter.queues.jetstream.settings import NatsSettings, servers
from exporter.queues.port import QueueUnavailable
from exporter.tasks.late_deadlines import answered_within
from exporter.tasks.off_loop import off_loop
from exporter.transport.tls.handshakes import handshake_failure

#: Shorter than a request may take, so that the caller hears that the connection, not the answer, is missing.
_CONNECT_SECONDS = 4.0
_PING_SECONDS = 5
_PINGS = 2
#: Far above what is ever unsent, since the library swallows a cancellation while waiting for less.
_UNSENT_BYTES = 256 * 1024 * 1024


async def connect(settings: NatsSettings, replies: Replies, gone: Callable[[QuietClient], None]) -> QuietClient:
    """A connection whose messages ``replies`` hears; ``gone`` is called when the connection is over.

    Raises:
        QueueUnavailable: no connection could be made, with the reason and the remedy.
    """
    access = await off_loop(Access, settings)
    client = QuietClient(gone, replies.refused)
    try:
        async with answered_within(_CONNECT_SECONDS):
            await client.connect(
                **access.options,
                name="exporter",
                error_cb=client.note,
                allow_reconnect=False,
                connect_timeout=max(1, int(_CONNECT_SECONDS) // len(servers(settings.url))),
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=_PING_SECONDS,
                max_outstanding_pings=_PINGS,
                pending_size=_UNSENT_BYTES,
            )
            access.refuse_if_bare()
            await client.subscribe(f"{replies.prefix}.*", cb=replies.hear)
            # The library's ping overtakes unwritten data; the second ping comes after the subscription, so that a
            # refusal of the subscription is heard before the second answer.
            await client.flush()
            await client.flush()
        if client.refusal is not None:
            raise QueueUnavailable(client.refusal)
    except QueueUnavailable:
        await discard(client)
        raise
    except Exception as error:  # also errors of the library's own parts, such as signing
        await discard(client)
        noted = client.noted if isinstance(error, errors.NoServersError) else None
        raise QueueUnavailable(f"NATS cannot be reached: {_why(noted or error, access, settings.url)}") from None
    except BaseException:
        await discard(client)
        raise
    return client


def _why(error: Exception, access: Access, url: str) -> str:
    """The reason of ``error``, and the remedy.

    With TLS 1.3 a server that wants a certificate refuses a client that has none only after the handshake.
    """
    if isinstance(error, ssl.SSLError):
        return handshake_failure(error, "url")
    words = in_words(error)
    if access.is_encrypted and isinstance(error, ConnectionError | EOFError | errors.UnexpectedEOF):
        return f"{words} after the TLS handshake: does the server want a certificate? Set `tls.client_cert_file`"
    if is_refused_sign_in(error):
        return f"{words}; {access.how_to_sign_in}"
    if isinstance(error, ConnectionRefusedError):
        return f"{words}; does it run at {url}? Check `url`"
    if isinstance(error, OSError | EOFError | errors.Error):
        return f"{words}; is it NATS that listens at {url}? Check `url`"
    return words
