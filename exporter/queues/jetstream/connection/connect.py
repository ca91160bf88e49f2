"""Makes the connection, once, and says in words why it could not be made and what to do."""

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
from exporter.tasks.off_loop import off_loop
from exporter.transport.handshakes import handshake_failure
from exporter.transport.read_first import answered_within

#: Below what a request may take, so that who asks hears that the connection, not the answer, is missing.
_CONNECT_SECONDS = 4.0
_PING_SECONDS = 5
_PINGS = 2
#: Far above what we ever have unsent, since the library swallows a cancellation while it waits for less.
_UNSENT_BYTES = 256 * 1024 * 1024


async def connect(settings: NatsSettings, replies: Replies, gone: Callable[[QuietClient], None]) -> QuietClient:
    """A connection on which ``replies`` hear what comes for them; ``gone`` hears when it is over.

    Raises:
        QueueUnavailable: it could not be made.
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
            # The library's ping overtakes what it has not written yet; the second one comes after the subscription,
            # so that a refusal of it is heard before the second answer.
            await client.flush()
            await client.flush()
        if client.refusal is not None:
            raise QueueUnavailable(client.refusal)
    except QueueUnavailable:
        await discard(client)
        raise
    except Exception as error:  # also what the library's own parts raise, such as those that sign
        await discard(client)
        noted = client.noted if isinstance(error, errors.NoServersError) else None
        raise QueueUnavailable(f"NATS cannot be reached: {_why(noted or error, access, settings.url)}") from None
    except BaseException:
        await discard(client)
        raise
    return client


def _why(error: Exception, access: Access, url: str) -> str:
    """Why it failed, and what to do.

    With TLS 1.3 a server refuses after the handshake whom it wanted a certificate of.
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
