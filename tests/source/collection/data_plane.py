"""A data plane with a fixed clock and an intake that tests hold in their hands, and clients of raw bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from exporter.source.collection.checks.collected import Keyed, Refused
from exporter.source.collection.intake import Kept, Outcome, Pending
from exporter.source.collection.plane import Flow, Inlet, Plane
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.listener import Answered, Listener, ListenerOptions, open_listener
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taking import Taking
from exporter.source.tokens.verdicts import Verdict

ORG = "ABCDEF0123456789@AdobeOrg"
NOW = 1_584_479_347_507
NAME = f"{NOW}:2153:0"
LONG = 20.0

MAPPED = Flow("flow-mapped", "dataset-1", "https://ns/schema-1", mapping=True)
PLAIN = Flow("flow-plain", "dataset-1", "https://ns/schema-1")
OTHER_DATASET = Flow("flow-second", "dataset-2", "https://ns/schema-2")
OFF = Flow("flow-off", "dataset-1", "https://ns/schema-1", mapping=True, enabled=False)

OPEN = Inlet("a" * 64, "crm", ORG, (MAPPED, PLAIN, OTHER_DATASET, OFF), datasets={"dataset-3": "https://ns/schema-1"})
LOCKED = Inlet("b" * 64, "locked", ORG, (MAPPED,), authentication=True)
DISABLED = Inlet("c" * 64, "disabled", ORG, (MAPPED,), enabled=False)
TWO_MAPPINGS = Inlet(
    "d" * 64, "two", ORG, (MAPPED, Flow("flow-mapped-2", "dataset-1", "https://ns/schema-1", mapping=True))
)
DELETING = Inlet("e" * 64, "deleting", ORG, (PLAIN,), deletes=True, key=("person", "id"))


def plane(**changes: Any) -> Plane:
    inlets = {inlet.id: inlet for inlet in (OPEN, LOCKED, DISABLED, TWO_MAPPINGS, DELETING)}
    return Plane(ORG, inlets, **changes)


@dataclass
class Intake:
    """Keeps records in a list; with ``holds`` no request hears of it before ``release``."""

    holds: bool = False
    outcome: Outcome = field(default_factory=Kept)
    kept: list[Keyed] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, records: Sequence[Keyed]) -> Pending:
        self.kept.extend(records)
        self.came.set()
        pending = Pending()
        self.pending.append(pending)
        if not self.holds:
            self.release()
        return pending

    def release(self) -> None:
        pending, self.pending = self.pending, []
        for each in pending:
            each.settle(self.outcome)


@dataclass
class Judge:
    """Knows the tokens ``good``, ``expired`` and ``away``; has to fetch keys for all that begin with ``fetch-``."""

    judged: list[str] = field(default_factory=list)

    def known(self, token: str) -> Verdict | None:
        if token.startswith("fetch-"):
            return None
        named = {"good": Verdict.GOOD, "expired": Verdict.EXPIRED, "away": Verdict.UNDECIDED}
        return named.get(token, Verdict.INVALID)

    async def judge(self, token: str) -> Verdict:
        self.judged.append(token)
        await asyncio.sleep(0.01)
        found = self.known(token.removeprefix("fetch-"))
        assert found is not None
        return found

    def client(self, _: str) -> str:
        return ""


@dataclass
class Served:
    """A listener, and what it was told and tells."""

    listener: Listener
    taking: Taking
    intake: Intake
    refused: list[Refused]
    answered: list[Answered]
    faults: list[Exception]
    port: int


def violations_of(record: object, message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """A validation by which ``{"wrong": ...}`` is wrong, and ``{"bug": ...}`` a fault of ours."""
    if "bug" in message:
        raise RuntimeError("a bug")
    return [{"keyword": "additionalProperties", "message": "extraneous key"}] if "wrong" in message else None


def taking_of(intake: Intake, refused: list[Refused] | None = None, **changes: Any) -> Taking:
    return Taking(
        plane(**changes),
        Stamps(lambda: NOW, worker=2153),
        intake.keep,
        Judge(),
        asyncio.get_running_loop().time,
        validate=violations_of,
        refused=(refused if refused is not None else []).extend,
    )


@asynccontextmanager
async def served(
    intake: Intake | None = None,
    *,
    bounds: Bounds | None = None,
    memory: int = 64 * 1024**2,
    tls: Any = None,
    **changes: Any,
) -> AsyncIterator[Served]:
    """A data plane on a free port; ``changes`` are of its ``Plane``."""
    intake = intake or Intake()
    refused: list[Refused] = []
    answered: list[Answered] = []
    faults: list[Exception] = []
    taking = taking_of(intake, refused, **changes)
    options = ListenerOptions(
        memory_bytes=memory, tls=tls, bounds=bounds or Bounds(), observe=answered.append, fault=faults.append
    )
    async with open_listener(taking, options) as listener:
        yield Served(listener, taking, intake, refused, answered, faults, listener.port)


@dataclass(frozen=True)
class Got:
    """An answer, as a client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes


def answers(data: bytes, *, heads: bool = False) -> list[Got]:
    """The answers that ``data`` consists of; of bodies there are none with ``heads``."""
    found = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, head
        line, *fields = head.decode().split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
        length = 0 if heads else int(headers.get("content-length", 0))
        assert len(data) >= length, "a body is cut off"
        found.append(Got(int(status), headers, data[:length]))
        data = data[length:]
    return found


def undated(data: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*GMT\r\n", b"", data)


async def converse(port: int, *pieces: bytes, end: bool = True, tls: Any = None) -> bytes:
    """Send pieces, each in a turn of its own, and read until the server hangs up; ``end``: say that no more comes."""
    async with asyncio.timeout(LONG):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005 if len(pieces) > 1 else 0)
            if end:
                writer.write_eof()
            return await reader.read()
        finally:
            await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    """End a connection at once, and wait until the event loop has let go of its socket."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
    await asyncio.sleep(0)


def post(
    body: bytes = b'{"a":1}',
    *fields: str,
    path: str = f"/collection/{OPEN.id}",
    version: str = "1.1",
    length: bool = True,
) -> bytes:
    """A request."""
    head = [f"POST {path} HTTP/{version}", "Host: x", *fields, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body
