"""The same answer has the same verdict on either transport: answers that were right once, mutated by a seeded chance.

``MUTATED_ANSWERS=20000`` tries more of them than a run of all tests does, ``MUTATION_SEED`` others.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping

import uvloop
from loopback import OK, Peer, serving
from transport_contract import LONG, post

from exporter.messages.exchange import Answer, Outcome
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport

COUNT = int(os.environ.get("MUTATED_ANSWERS", "2000"))
SEED = int(os.environ.get("MUTATION_SEED", "18"))
AT_A_TIME = 32

RIGHT = [
    OK,
    b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbusy",
    b"HTTP/1.1 429 Slow\r\nX: a\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 500 Broken\r\nServer: y\r\nConnection: close\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 421 Misdirected\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno" + OK,
]
TELLING = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"0",
    b"2",
    b"9",
    b"-",
    b"\xff",
    b"H",
    b"\r\n\r\n",
]
WORDS = [
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Retry-After: 9\r\n",
    b"X y: z\r\n",
    b"HTTP/1.1 ",
]


def mutated(chance: random.Random) -> list[bytes]:
    """An answer with some mistakes, in the pieces in which it comes."""
    said = bytearray(chance.choice(RIGHT))
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(said))
        to = min(len(said), at + chance.choice([1, 1, 1, 2, 8, 40]))
        match chance.randint(0, 7):
            case 0:
                del said[at:to]
            case 1:
                said[at:at] = chance.choice(TELLING)
            case 2:
                said[at:to] = chance.choice(TELLING)
            case 3:
                said[at:at] = said[at:to]
            case 4:
                line = said.find(b"\n", at) + 1
                said[line:line] = chance.choice(WORDS)
            case 5:
                end = said.find(b"\r\n", at)
                said[max(end, 0) : max(end, 0) + 2] = chance.choice([b"\r", b"\n", b"\r\r\n", b"\n\r"])
            case 6:
                said += chance.choice([OK, b"\0", b"\r\n"])
            case _:
                del said[at + (len(said) - at) // 2 :]
    cut = chance.randint(0, len(said))
    return [bytes(piece) for piece in (said[:cut], said[cut:]) if piece]


def verdict(outcome: Outcome) -> object:
    """What a dataflow would go by."""
    if isinstance(outcome, Answer):
        return outcome.status, outcome.headers.get("retry-after")
    return outcome


def pytest_asyncio_loop_factories(item: object) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


async def test_same_answer_same_verdict() -> None:
    chance = random.Random(SEED)
    answers = [mutated(chance) for _ in range(COUNT)]

    async def script(peer: Peer) -> None:
        heard = await peer.request()
        for piece in answers[int(heard.header("X-Number") or 0)]:
            await peer.send(piece)
            await asyncio.sleep(0)
        peer.server.heard.clear()

    async with (
        serving(script) as server,
        open_transport("lean", TransportOptions(timeout_seconds=LONG, concurrency=AT_A_TIME)) as lean,
        open_transport("aiohttp", TransportOptions(timeout_seconds=LONG, concurrency=AT_A_TIME)) as over_aiohttp,
    ):

        async def some(transport: Transport, verdicts: dict[int, object], numbers: list[int]) -> None:
            while numbers:
                number = numbers.pop()
                verdicts[number] = verdict(await transport.send(post(server.url(), X_Number=str(number))))

        found: list[dict[int, object]] = []
        for transport in (lean, over_aiohttp):
            verdicts: dict[int, object] = {}
            numbers = list(range(COUNT))
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_A_TIME):
                    tasks.create_task(some(transport, verdicts, numbers))
            found.append(verdicts)

    differing = [(answers[n], found[0][n], found[1][n]) for n in range(COUNT) if found[0][n] != found[1][n]]
    assert not differing
    # The mutations are neither all harmless nor all fatal.
    statuses = sum(isinstance(each, tuple) for each in found[0].values())
    assert COUNT // 4 < statuses < COUNT
