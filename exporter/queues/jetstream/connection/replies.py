"""Hands answers to listeners: each listener has a private address, as long as answers are wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol
from uuid import uuid4

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header

from exporter.queues.jetstream.connection.client import QuietClient
from exporter.queues.jetstream.failures import NobodyAnswers, Refused, not_permitted, shortened
from exporter.queues.port import QueueUnavailable

_NO_RESPONDERS = "503"


class Listener(Protocol):
    """Hears the messages of an inbox. Both methods are called on the event loop and must not wait."""

    def heard(self, message: Msg) -> None:
        """Take a message that came."""
        ...

    def lost(self, reason: str) -> None:
        """Expect no more messages: the connection is gone, or the request is not permitted."""
        ...


class Replies:
    """All listeners of a connection, with addresses below ``prefix``; each with the subject of the request."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._all: dict[str, tuple[Listener, str]] = {}

    @contextmanager
    def listening(self, listener: Listener, subject: str) -> Iterator[str]:
        """A private address for ``listener``, which is about to send a request to ``subject``."""
        token = uuid4().hex
        self._all[token] = (listener, subject)
        try:
            yield f"{self.prefix}.{token}"
        finally:
            self._all.pop(token, None)

    async def hear(self, message: Msg) -> None:
        """Hand a message to the listener with the message's address, if still there."""
        found = self._all.get(message.subject.rpartition(".")[2])
        if found is not None:
            found[0].heard(message)

    def lost(self, reason: str) -> None:
        """Tell all listeners that nothing more will come."""
        for listener, _ in list(self._all.values()):
            listener.lost(reason)

    def refused(self, violation: str) -> None:
        """Tell the listeners concerned that the server denied a permission: all, where the denial is of receiving."""
        if "for subscription" in violation:
            self.lost(not_permitted(violation))
        for listener, subject in list(self._all.values()):
            # The library makes the text lower case, and subjects are told apart by case.
            if f'"{subject.lower()}"' in violation:
                listener.lost(not_permitted(violation.replace(subject.lower(), subject)))


class Inbox:
    """An address, below which a listener hears everything, as long as the connection lives."""

    def __init__(self, address: str, client: QuietClient, subscription: Subscription) -> None:
        self.address = address
        self._client = client
        self._subscription = subscription

    @property
    def is_open(self) -> bool:
        """Whether the connection still lives."""
        return self._client.is_connected

    async def close(self) -> None:
        """End the subscription: the listener hears nothing more."""
        with suppress(errors.Error, OSError):
            await self._subscription.unsubscribe()


class Answer:
    """A ``Listener`` that waits for a single message."""

    def __init__(self) -> None:
        self._coming: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

    def heard(self, message: Msg) -> None:
        if not self._coming.done():
            self._coming.set_result(message)

    def lost(self, reason: str) -> None:
        if not self._coming.done():
            self._coming.set_exception(QueueUnavailable(reason))
            self._coming.exception()  # else asyncio would log the error where no caller waits yet, or any more

    @property
    def is_lost(self) -> bool:
        """Whether it is known that nothing will come."""
        return self._coming.done() and self._coming.exception() is not None

    async def comes(self) -> Msg:
        """The message.

        Raises:
            NobodyAnswers: nothing listens to the subject of the request.
            QueueUnavailable: nothing will come, with the reason.
        """
        message = await self._coming
        if not message.data and message.headers and message.headers.get(Header.STATUS) == _NO_RESPONDERS:
            raise NobodyAnswers("nobody answers")
        return message


def answer_of(message: Msg) -> dict[str, Any]:
    """The answer of JetStream in ``message``.

    Raises:
        Refused: the answer is an error.
        QueueUnavailable: the answer is not JetStream's.
    """
    try:
        answer = json.loads(message.data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise QueueUnavailable("what answers there does not speak as JetStream does")
    error = answer.get("error")
    if isinstance(error, dict):
        raise Refused(error.get("err_code", 0), shortened(str(error.get("description", "refused"))))
    return answer
