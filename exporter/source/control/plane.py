"""The table of the control plane's resources: path, methods, and what answers each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.answers import failed
from exporter.source.control.entities import PATH, Entities
from exporter.source.control.gateway import Gateway

Reply: TypeAlias = Callable[[RequestHead], Awaitable[Answer]]


def resources(entities: Entities) -> Mapping[str, Mapping[str, Reply]]:
    """What is served, by path and method."""
    return {PATH: {"GET": entities.get, "DELETE": entities.delete}}


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Answers by the table, once the gateway lets a request through."""

    gateway: Gateway
    resources: Mapping[str, Mapping[str, Reply]]

    async def answer(self, head: RequestHead) -> Answer:
        """The answer to a request, whose body nothing in the table reads."""
        if (refusal := await self.gateway.refusal(head)) is not None:
            return refusal
        methods = self.resources.get(head.path.rstrip("/"))
        if methods is None:
            return failed(404, "1439-404", f"There is {', '.join(self.resources)}, and nothing else yet")
        reply = methods.get(head.method)
        if reply is None:
            return failed(405, "1405-405", "There is no such method here", headers=(("Allow", ", ".join(methods)),))
        return await reply(head)
