"""TLS: whom the transport trusts, and how it names what goes wrong."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Pair, encrypt_key
from loopback import OK, Peer, repeats, says, serving
from transport_contract import LONG, Opening

from exporter.messages.exchange import Answer, Outcome, Request, Unreachable
from exporter.sections.tls import Tls
from exporter.transport.tls.contexts import TlsFilesUnusable, client_context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def post(url: str) -> Request:
    return Request(url, (("Content-Type", "application/json"),), (), b"{}")


async def ask(opening: Opening, tls: ssl.SSLContext, ca_file: Path | None, *, host: str = "127.0.0.1") -> Outcome:
    """The outcome of one request to a TLS server."""
    async with (
        serving(repeats(), tls=tls) as server,
        opening(timeout_seconds=LONG, concurrency=1, tls=Tls(ca_file=ca_file)) as transport,
    ):
        return await transport.send(post(server.url(scheme="https", host=host)))


async def test_the_configured_authority_is_trusted(opening: Opening, authority: Authority) -> None:
    outcome = await ask(opening, authority.server_context(authority.sign("127.0.0.1")), authority.certificate)

    assert isinstance(outcome, Answer)


#: What a release of Python sets by itself: up to 3.12, and from 3.13 on.
DEFAULTS = {
    "3.11": ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST,
    "3.13": ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
    | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    | ssl.VerifyFlags.VERIFY_X509_STRICT,
}


@pytest.fixture(params=DEFAULTS)
def any_python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts begin as that release makes them."""
    make = ssl.create_default_context

    def as_there(*args: Any, **options: Any) -> ssl.SSLContext:
        context = make(*args, **options)
        context.verify_flags = DEFAULTS[request.param]
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_there)


@pytest.mark.usefixtures("any_python")
async def test_an_authority_that_leaves_out_key_identifiers_is_trusted(opening: Opening, authority: Authority) -> None:
    tls = authority.server_context(authority.sign("127.0.0.1", bare=True))
    assert isinstance(await ask(opening, tls, authority.certificate), Answer)


@pytest.mark.usefixtures("any_python")
async def test_a_certificate_that_is_named_itself_is_trusted(opening: Opening, authority: Authority) -> None:
    """As an intermediate authority would be: its own authority need not be named."""
    pair = authority.sign("127.0.0.1")
    assert isinstance(await ask(opening, authority.server_context(pair), pair.certificate), Answer)


@pytest.mark.usefixtures("any_python")
@pytest.mark.parametrize("named", [True, False])
def test_a_context_is_the_same_with_every_python(authority: Authority, named: bool) -> None:
    context = client_context(Tls(ca_file=authority.certificate if named else None))
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_flags == ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_connections_are_kept_alive(opening: Opening, authority: Authority) -> None:
    async with (
        serving(repeats(), tls=authority.server_context(authority.sign("localhost"))) as server,
        opening(timeout_seconds=LONG, concurrency=1, tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        for _ in range(3):
            assert isinstance(await transport.send(post(server.url(scheme="https", host="localhost"))), Answer)

    assert [heard.connection for heard in server.heard] == [1, 1, 1]


async def test_an_unknown_authority_is_not_trusted(opening: Opening, authority: Authority) -> None:
    outcome = await ask(opening, authority.server_context(authority.sign("127.0.0.1")), None)

    assert isinstance(outcome, Unreachable)
    assert outcome.reason.startswith("TLS: certificate not accepted: ")
    assert "unable to get local issuer certificate" in outcome.reason


async def test_another_authority_is_not_trusted(opening: Opening, authority: Authority, tmp_path: Path) -> None:
    another = Authority(tmp_path, "another")
    outcome = await ask(opening, authority.server_context(authority.sign("127.0.0.1")), another.certificate)

    assert isinstance(outcome, Unreachable)


async def test_a_certificate_of_another_host_is_not_accepted(opening: Opening, authority: Authority) -> None:
    outcome = await ask(
        opening, authority.server_context(authority.sign("example.com")), authority.certificate, host="localhost"
    )

    assert isinstance(outcome, Unreachable)
    assert "localhost" in outcome.reason


async def test_an_expired_certificate_is_not_accepted(opening: Opening, authority: Authority) -> None:
    tls = authority.server_context(authority.sign("127.0.0.1", expired=True))
    outcome = await ask(opening, tls, authority.certificate)

    assert outcome == Unreachable("TLS: certificate not accepted: certificate has expired")


async def test_a_server_without_tls_is_unreachable(opening: Opening) -> None:
    async with (
        serving(says(OK)) as server,
        opening(timeout_seconds=0.5, concurrency=1) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert isinstance(outcome, Unreachable)


async def test_a_server_that_speaks_first_and_no_tls_is_unreachable(opening: Opening) -> None:
    async def greets(peer: Peer) -> None:
        await peer.send(b"220 mail.example.com ESMTP\r\n")
        await peer.silence()

    async with (
        serving(greets) as server,
        opening(timeout_seconds=LONG, concurrency=1) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert outcome == Unreachable("TLS: wrong version number")


@pytest.mark.parametrize("ending", ["silence", "close", "reset"])
async def test_a_server_that_never_shakes_hands_is_unreachable(opening: Opening, ending: str) -> None:
    async def refuses(peer: Peer) -> None:
        await peer.reader.readexactly(1)
        if ending == "silence":
            await peer.silence()
        elif ending == "reset":
            peer.reset()

    async with (
        serving(refuses) as server,
        opening(timeout_seconds=0.5 if ending == "silence" else LONG, concurrency=1) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert isinstance(outcome, Unreachable)


async def test_closing_leaves_no_socket(opening: Opening, authority: Authority) -> None:
    """An unclosed one would be a ResourceWarning, which fails the test."""
    tls = authority.server_context(authority.sign("127.0.0.1"))
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
    async with (
        serving(says(cut), says(b""), repeats(), tls=tls) as server,
        opening(timeout_seconds=0.3, concurrency=4, tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        url = server.url(scheme="https")
        await asyncio.gather(*(transport.send(post(url)) for _ in range(4)))


def refused(**files: Any) -> tuple[Path, str]:
    """Of which file no context can be made, and why; the files have changed since the settings were read."""
    with pytest.raises(TlsFilesUnusable) as unusable:
        client_context(Tls.model_construct(**files))
    return unusable.value.file, unusable.value.reason


class TestFiles:
    @pytest.fixture
    def pair(self, authority: Authority) -> Pair:
        return authority.sign(name="client")

    def test_a_missing_authority_is_named(self, tmp_path: Path) -> None:
        missing = tmp_path / "none.pem"

        assert refused(ca_file=missing) == (missing, "no such file or directory")

    def test_an_authority_that_is_no_certificate_is_named(self, tmp_path: Path) -> None:
        odd = tmp_path / "odd.pem"
        odd.write_text("not a certificate")

        assert refused(ca_file=odd) == (odd, "no PEM certificate")

    def test_a_missing_certificate_is_named(self, tmp_path: Path, pair: Pair) -> None:
        missing = tmp_path / "none.pem"

        problem = refused(client_cert_file=missing, client_key_file=pair.key)

        assert problem == (missing, "no such file or directory")

    def test_a_missing_key_is_named(self, tmp_path: Path, pair: Pair) -> None:
        missing = tmp_path / "none.key"

        problem = refused(client_cert_file=pair.certificate, client_key_file=missing)

        assert problem == (missing, "no such file or directory")

    def test_a_key_of_another_certificate_is_named(self, authority: Authority, pair: Pair) -> None:
        another = authority.sign(name="another")

        problem = refused(client_cert_file=pair.certificate, client_key_file=another.key)

        assert problem == (another.key, "the key does not belong to the certificate")

    def test_an_encrypted_key_is_refused_without_asking(self, pair: Pair) -> None:
        encrypt_key(pair, b"hunter2")

        problem = refused(client_cert_file=pair.certificate, client_key_file=pair.key)

        assert problem == (pair.certificate, "no PEM certificate with an unencrypted key")

    async def test_a_transport_does_not_open_with_them(self, opening: Opening, tmp_path: Path) -> None:
        with pytest.raises(TlsFilesUnusable, match=r"none\.pem: no such file or directory"):
            async with opening(
                timeout_seconds=1, concurrency=1, tls=Tls.model_construct(ca_file=tmp_path / "none.pem")
            ):
                pass
