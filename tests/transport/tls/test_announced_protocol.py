"""Only clients of HTTP announce it (ALPN): a broker behind a proxy that goes by it would be out of reach."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from exporter.queues.jetstream.connection.sign_in import Access
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kafka.cluster.connection import connection_of
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.sections.tls import Tls
from exporter.transport.tls.contexts import TlsContexts


def announces_http(context: ssl.SSLContext) -> bool:
    """Whether the first message of a handshake, which is in the clear, says so."""
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return b"http/1.1" in said.read()


def test_exports_do() -> None:
    assert announces_http(TlsContexts().of(Tls()))


async def test_kafka_does_not() -> None:
    section = KafkaSettings.model_validate({"kind": "kafka", "topic": "t", "tls": {}})
    async with connection_of(section, "", pytest.fail) as connection:
        assert connection.tls is not None
        assert not announces_http(connection.tls)


def test_nats_does_not() -> None:
    context = Access(NatsSettings.model_validate({"kind": "nats", "url": "tls://127.0.0.1:4222"})).options["tls"]
    assert isinstance(context, ssl.SSLContext)
    assert not announces_http(context)


async def test_redis_does_not() -> None:
    said = b""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        said = said or await reader.read(65_536)
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        section = RedisSettings.model_validate({"kind": "redis", "url": f"rediss://127.0.0.1:{port}"})
        with pytest.raises(QueueUnavailable):
            async with open_queue(section, [], pytest.fail):
                pass

    assert said.startswith(b"\x16\x03"), "a handshake has begun"
    assert b"http/1.1" not in said
