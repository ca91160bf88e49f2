"""The table of the control plane's resources: path, methods, and what answers each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control import entities, merge_policies
from exporter.source.control.answers import failed
from exporter.source.control.gateway import Gateway

#: Reads the body of a request: its bytes, or the answer to one that is too large or too slow.
ReadBody: TypeAlias = Callable[[], Awaitable[bytes | Answer]]
Reply: TypeAlias = Callable[[RequestHead, ReadBody], Awaitable[Answer]]
Resources: TypeAlias = Mapping[str, Mapping[str, Reply]]


def resources(read: entities.Entities, policies: Callable[[], Answer]) -> Resources:
    """What is served, by path and method."""

    async def get(head: RequestHead, _: ReadBody) -> Answer:
        return await read.get(head)

    async def post(_: RequestHead, read_body: ReadBody) -> Answer:
        body = await read_body()
        return body if isinstance(body, Answer) else await read.post(body)

    async def delete(head: RequestHead, _: ReadBody) -> Answer:
        return await read.delete(head)

    async def list_policies(_head: RequestHead, _body: ReadBody) -> Answer:
        return policies()

    return {
        entities.PATH: {"GET": get, "POST": post, "DELETE": delete},
        merge_policies.PATH: {"GET": list_policies},
    }


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Answers by the table, once the gateway lets a request through."""

    gateway: Gateway
    resources: Resources

    async def answer(self, head: RequestHead, read_body: ReadBody) -> Answer:
        """The answer to a request, whose body is read where the table needs it."""
        if (refusal := await self.gateway.refusal(head)) is not None:
            return refusal
        methods = self.resources.get(head.path.rstrip("/"))
        if methods is None:
            return failed(404, "1439-404", f"There are {', '.join(self.resources)}, and nothing else yet")
        reply = methods.get(head.method)
        if reply is None:
            return failed(405, "1405-405", "There is no such method here", headers=(("Allow", ", ".join(methods)),))
        return await reply(head, read_body)
