"""The connection to the servers that all of a queue shares: requests and answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

from nats.aio.msg import Msg

from exporter.queues.jetstream.connection.client import QuietClient, discard
from exporter.queues.jetstream.connection.connect import connect
from exporter.queues.jetstream.connection.replies import Answer, Inbox, Listener, Replies, answer_of
from exporter.queues.jetstream.failures import NobodyAnswers, in_words
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.port import QueueUnavailable
from exporter.tasks.late_deadlines import answered_within

REQUEST_SECONDS = 5.0


class Link:
    """Connects at the first request, and after a loss at the next request; never in the background.

    Every method that talks to the servers raises ``QueueUnavailable`` when that does not work.
    """

    def __init__(self, settings: NatsSettings) -> None:
        # The library's own log lines stay away from stderr where logging is not set up.
        logging.getLogger("nats").addHandler(logging.NullHandler())
        self._settings = settings
        self._api = "$JS.API" if settings.domain is None else f"$JS.{settings.domain}.API"
        self._replies = Replies(f"{settings.inbox_prefix}.{uuid4().hex}")
        self._client: QuietClient | None = None
        self._connecting = asyncio.Lock()
        self._failures = 0
        self._failure = ""
        self._closed = False

    async def close(self) -> None:
        """Hang up. Nothing works after this."""
        self._closed = True
        client, self._client = self._client, None
        self._replies.lost("the queue is closed")
        if client is not None:
            await discard(client)

    async def max_payload(self) -> int:
        """How many bytes the server takes in a message, headers included."""
        return (await self._connected()).max_payload

    def listening(self, listener: Listener, subject: str) -> AbstractContextManager[str]:
        """A private inbox for ``listener``, which is about to send a request to ``subject``."""
        return self._replies.listening(listener, subject)

    async def inbox(self, listener: Listener) -> Inbox:
        """A subscription for ``listener``, for messages that come under other subjects than the inbox's."""
        client = await self._connected()
        address = f"{self._settings.inbox_prefix}.{uuid4().hex}"

        async def hear(message: Msg) -> None:
            listener.heard(message)

        try:
            subscription = await client.subscribe(f"{address}.*", cb=hear)
        except Exception as error:  # errors of all kinds: only the library runs here
            raise QueueUnavailable(in_words(error)) from None
        return Inbox(address, client, subscription)

    async def send(self, subject: str, payload: bytes, inbox: str, headers: Mapping[str, str] | None = None) -> None:
        """Send a message, in the order of the calls; answers go to ``inbox``."""
        client = await self._connected()
        try:
            await client.publish(subject, payload, reply=inbox, headers=None if headers is None else dict(headers))
        except Exception as error:
            raise QueueUnavailable(in_words(error)) from None

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
    ) -> Msg:
        """Send a request, and wait at most ``timeout`` seconds for the answer.

        Raises:
            NobodyAnswers: nothing listens to ``subject``.
            QueueUnavailable: no connection, or no answer in time.
        """
        answer = Answer()
        try:
            async with answered_within(timeout):
                with self.listening(answer, subject) as inbox:
                    await self.send(subject, payload, inbox, headers)
                    return await answer.comes()
        except TimeoutError:
            raise QueueUnavailable(f"no answer from NATS to {subject} within {timeout:g} s") from None

    async def api(self, verb: str, question: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the JetStream API.

        Raises:
            NobodyAnswers: JetStream is not there.
            Refused: the answer is an error.
            QueueUnavailable: as ``request``.
        """
        body = b"" if question is None else json.dumps(question).encode()
        try:
            answer = await self.request(f"{self._api}.{verb}", body)
        except NobodyAnswers:
            raise NobodyAnswers(
                "JetStream does not answer: is it enabled on the servers and for this account? Check also `domain`"
            ) from None
        return answer_of(answer)

    def next_subject(self, stream: str, consumer: str) -> str:
        """The subject for asking a pull consumer for more."""
        return f"{self._api}.CONSUMER.MSG.NEXT.{stream}.{consumer}"

    async def _connected(self) -> QuietClient:
        if self._client is not None:
            return self._client
        failures = self._failures
        async with self._connecting:
            if self._closed:
                raise QueueUnavailable("the queue is closed")
            if self._client is not None:
                return self._client
            if failures != self._failures:  # another caller has tried during the wait
                raise QueueUnavailable(self._failure)
            try:
                self._client = await connect(self._settings, self._replies, self._gone)
            except QueueUnavailable as error:
                self._failures += 1
                self._failure = str(error)
                raise
            return self._client

    def _gone(self, client: QuietClient) -> None:
        if self._client is client:
            self._client = None
            reason = "the connection to NATS was lost"
            self._replies.lost(reason if client.noted is None else f"{reason}: {in_words(client.noted)}")
