"""The listener over TLS: served, certificates of clients demanded, files that cannot be used told."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from certificates import Authority, encrypt_key
from data_plane import LONG, answers, converse, post, served

from exporter.source.collection.server.tls import RenewableContext, listener_context
from exporter.transport.tls.contexts import TlsFilesUnusable

CLOSING = post(b"{}", "Connection: close")


def trusting(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.certificate)
    context.check_hostname = True
    return context


@pytest.mark.usefixtures("either_loop")
async def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("127.0.0.1")
    async with served(tls=listener_context(pair.certificate, pair.key, None)) as plane:
        data = await converse(plane.port, CLOSING, end=False, tls=trusting(authority))
        assert [each.status for each in answers(data)] == [200]
        # Plain HTTP to a port with TLS ends without an answer.
        assert not answers(await converse(plane.port, CLOSING, end=False))


@pytest.mark.usefixtures("either_loop")
async def test_a_certificate_of_the_client(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "another authority")
    pair, mine, theirs = authority.sign("127.0.0.1"), authority.sign("me", name="me"), other.sign("me", name="them")
    async with served(tls=listener_context(pair.certificate, pair.key, authority.certificate)) as plane:
        for client, statuses in ((mine, [200]), (theirs, []), (None, [])):
            context = trusting(authority)
            if client is not None:
                context.load_cert_chain(client.certificate, client.key)
            try:
                data = await converse(plane.port, CLOSING, end=False, tls=context)
            except OSError:
                data = b""
            assert [each.status for each in answers(data)] == statuses
        async with asyncio.timeout(LONG):
            while plane.listener.connections:  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.01)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, other = authority.sign("a"), authority.sign("b", name="other")
    nothing, nonsense = tmp_path / "nothing.pem", tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    locked = authority.sign("c", name="locked")
    encrypt_key(locked, b"word")
    for certificate, key, authorities, culprit in (
        (nothing, None, None, nothing),
        (nonsense, None, None, nonsense),
        (pair.certificate, nothing, None, nothing),
        (pair.certificate, other.key, None, other.key),
        (pair.certificate, pair.key, nothing, nothing),
        (pair.certificate, pair.key, nonsense, nonsense),
        (locked.certificate, locked.key, None, locked.certificate),
    ):
        with pytest.raises(TlsFilesUnusable) as told:
            listener_context(certificate, key, authorities)
        assert told.value.file == culprit


@pytest.mark.usefixtures("either_loop")
async def test_a_renewed_certificate(tmp_path: Path) -> None:
    """Clients that trust only the new authority are served, and those of the old are not, by the same listener."""
    old, new = Authority(tmp_path), Authority(tmp_path, "another authority")
    first, second = old.sign("127.0.0.1"), new.sign("127.0.0.1", name="renewed")
    certificate = RenewableContext(listener_context(first.certificate, first.key, old.certificate))
    mine, theirs = old.sign("me", name="me"), new.sign("me", name="them")
    async with served(tls=certificate.context) as plane:
        for authority, client in ((old, mine), (new, theirs)):
            for trusted in (old, new):
                context = trusting(trusted)
                context.load_cert_chain(client.certificate, client.key)
                try:
                    data = await converse(plane.port, CLOSING, end=False, tls=context)
                except OSError:
                    data = b""
                assert [each.status for each in answers(data)] == ([200] if trusted is authority else [])
            certificate.renew(listener_context(second.certificate, second.key, new.certificate))
