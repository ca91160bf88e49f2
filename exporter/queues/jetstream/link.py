"""One connection to the servers for everything of a queue: requests and their answers, and who hears what."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from uuid import uuid4

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header

from exporter.queues.jetstream.access import Access
from exporter.queues.jetstream.client import QuietClient, discard
from exporter.queues.jetstream.failures import NobodyAnswers, Refused, in_words, shortened
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.port import QueueUnavailable

REQUEST_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
_PING_SECONDS = 5
_PINGS = 2
#: Far above what we ever have unsent, since the library swallows a cancellation while it waits for less.
_UNSENT_BYTES = 256 * 1024 * 1024
_NO_RESPONDERS = "503"


class Listener(Protocol):
    """Hears what comes to one inbox. Both are called on the event loop and must not wait."""

    def heard(self, message: Msg) -> None:
        """A message came."""
        ...

    def lost(self, reason: str) -> None:
        """Nothing more will come: the connection is gone, or we may not ask for it."""
        ...


class Link:
    """Connects when somebody asks for something, and again after it was lost; never in the background.

    Every method that talks raises ``QueueUnavailable`` when that does not work.
    """

    def __init__(self, settings: NatsSettings) -> None:
        # What the library logs by itself stays away from stderr where nobody has set logging up.
        logging.getLogger("nats").addHandler(logging.NullHandler())
        self._settings = settings
        self._api = "$JS.API" if settings.domain is None else f"$JS.{settings.domain}.API"
        self._prefix = f"{settings.inbox_prefix}.{uuid4().hex}"
        self._client: QuietClient | None = None
        self._connecting = asyncio.Lock()
        self._failures = 0
        self._failure = ""
        self._listeners: dict[str, tuple[Listener, str]] = {}
        self._closed = False

    async def close(self) -> None:
        """Hang up. Nothing works after this."""
        self._closed = True
        client, self._client = self._client, None
        self._tell_all("the queue is closed")
        if client is not None:
            await discard(client)

    async def max_payload(self) -> int:
        """How many bytes the server takes in one message, headers included."""
        return (await self._connected()).max_payload

    @contextmanager
    def listening(self, listener: Listener, subject: str) -> Iterator[str]:
        """An inbox of its own for ``listener``, who is about to ask something of ``subject``."""
        token = uuid4().hex
        self._listeners[token] = (listener, subject.lower())
        try:
            yield f"{self._prefix}.{token}"
        finally:
            self._listeners.pop(token, None)

    async def inbox(self, listener: Listener) -> Inbox:
        """A subscription for ``listener``, for messages that come under another subject than they were asked for."""
        client = await self._connected()
        address = f"{self._settings.inbox_prefix}.{uuid4().hex}"

        async def hear(message: Msg) -> None:
            listener.heard(message)

        try:
            subscription = await client.subscribe(f"{address}.*", cb=hear)
        except (errors.Error, OSError) as error:
            raise QueueUnavailable(in_words(error)) from None
        return Inbox(address, client, subscription)

    async def send(self, subject: str, payload: bytes, inbox: str, headers: Mapping[str, str] | None = None) -> None:
        """Say something; whatever comes of it goes to ``inbox``. In the order of the calls."""
        client = await self._connected()
        try:
            await client.publish(subject, payload, reply=inbox, headers=None if headers is None else dict(headers))
        except (errors.Error, OSError) as error:
            raise QueueUnavailable(in_words(error)) from None

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
    ) -> Msg:
        """Ask, and wait so many seconds for the answer. Raises NobodyAnswers too."""
        answer = Answer()
        try:
            async with asyncio.timeout(timeout):
                with self.listening(answer, subject) as inbox:
                    await self.send(subject, payload, inbox, headers)
                    return await answer.comes()
        except TimeoutError:
            raise QueueUnavailable(f"no answer from NATS to {subject} within {timeout:g} s") from None

    async def api(self, verb: str, question: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the JetStream API. Raises Refused where it answers with an error."""
        body = b"" if question is None else json.dumps(question).encode()
        try:
            answer = await self.request(f"{self._api}.{verb}", body)
        except NobodyAnswers:
            raise NobodyAnswers("JetStream does not answer: is it enabled for this account?") from None
        return answer_of(answer)

    def next_subject(self, stream: str, consumer: str) -> str:
        """Where to ask a pull consumer for more."""
        return f"{self._api}.CONSUMER.MSG.NEXT.{stream}.{consumer}"

    # -- the connection

    async def _connected(self) -> QuietClient:
        if self._client is not None:
            return self._client
        failures = self._failures
        async with self._connecting:
            if self._closed:
                raise QueueUnavailable("the queue is closed")
            if self._client is not None:
                return self._client
            if failures != self._failures:  # it was tried while we waited for our turn
                raise QueueUnavailable(self._failure)
            try:
                self._client = await self._connect()
            except QueueUnavailable as error:
                self._failures += 1
                self._failure = str(error)
                raise
            return self._client

    async def _connect(self) -> QuietClient:
        access = Access(self._settings)
        client = QuietClient(self._gone, self._refused)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await client.connect(
                    **access.options,
                    name="exporter",
                    error_cb=client.note,
                    allow_reconnect=False,
                    connect_timeout=int(_CONNECT_SECONDS),
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    ping_interval=_PING_SECONDS,
                    max_outstanding_pings=_PINGS,
                    pending_size=_UNSENT_BYTES,
                )
                access.refuse_if_bare()
                await client.subscribe(f"{self._prefix}.*", cb=self._hear)
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
            raise QueueUnavailable(f"NATS cannot be reached: {_why(noted or error, access)}") from None
        except BaseException:
            await discard(client)
            raise
        return client

    def _gone(self, client: QuietClient) -> None:
        if self._client is client:
            self._client = None
            reason = "the connection to NATS was lost"
            self._tell_all(reason if client.noted is None else f"{reason}: {in_words(client.noted)}")

    def _refused(self, violation: str) -> None:
        """We may not do something that somebody waits for."""
        if "for subscription" in violation:
            self._tell_all(f"not permitted: {shortened(violation)}")
        for listener, subject in list(self._listeners.values()):
            if f'"{subject}"' in violation:
                listener.lost(f"not permitted: {shortened(violation)}")

    def _tell_all(self, reason: str) -> None:
        listeners = list(self._listeners.values())
        for listener, _ in listeners:
            listener.lost(reason)

    async def _hear(self, message: Msg) -> None:
        found = self._listeners.get(message.subject.rpartition(".")[2])
        if found is not None:
            found[0].heard(message)


class Inbox:
    """An address, below which one listener hears everything, as long as the connection lives."""

    def __init__(self, address: str, client: QuietClient, subscription: Subscription) -> None:
        self.address = address
        self._client = client
        self._subscription = subscription

    @property
    def is_open(self) -> bool:
        """Whether the connection still lives."""
        return self._client.is_connected

    async def close(self) -> None:
        """Hear nothing more."""
        with suppress(errors.Error, OSError):
            await self._subscription.unsubscribe()


class Answer:
    """Waits for one message."""

    def __init__(self) -> None:
        self._coming: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

    def heard(self, message: Msg) -> None:
        """See ``Listener``."""
        if not self._coming.done():
            self._coming.set_result(message)

    def lost(self, reason: str) -> None:
        """See ``Listener``."""
        if not self._coming.done():
            self._coming.set_exception(QueueUnavailable(reason))
            self._coming.exception()  # nobody may be waiting yet, or any more

    async def comes(self) -> Msg:
        """The message. Raises QueueUnavailable, NobodyAnswers."""
        message = await self._coming
        if not message.data and message.headers and message.headers.get(Header.STATUS) == _NO_RESPONDERS:
            raise NobodyAnswers("nobody answers")
        return message


def answer_of(message: Msg) -> dict[str, Any]:
    """An answer of JetStream. Raises Refused where it is an error."""
    answer: dict[str, Any] = json.loads(message.data)
    error = answer.get("error")
    if error is not None:
        raise Refused(error.get("err_code", 0), shortened(error.get("description", "refused")))
    return answer


def _why(error: Exception, access: Access) -> str:
    """Why connecting failed. With TLS 1.3 a server refuses after the handshake whom it wanted a certificate from."""
    if access.is_encrypted and isinstance(error, ConnectionError | EOFError | errors.UnexpectedEOF):
        return f"{in_words(error)} after the TLS handshake: does the server want a certificate?"
    return in_words(error)
