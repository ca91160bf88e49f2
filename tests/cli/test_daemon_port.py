"""The ops port behind TLS: whom the commands trust is ours to say, and no matter of the Python that runs them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from loopback import repeats, serving

from exporter.cli.shared.daemon_port import NoDaemon, get_json

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts begin as Python 3.13 makes them."""
    make = ssl.create_default_context

    def as_there(*args: Any, **options: Any) -> ssl.SSLContext:
        context = make(*args, **options)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_there)
    monkeypatch.setattr(ssl, "_create_default_https_context", as_there)


@pytest.mark.usefixtures("strict")
async def test_an_authority_of_the_system_may_leave_out_key_identifiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    async with serving(repeats(ANSWER), tls=authority.server_context(authority.sign("127.0.0.1", bare=True))) as server:
        with pytest.raises(NoDaemon, match="no daemon answers"):
            await asyncio.to_thread(get_json, server.url(scheme="https"), "/status")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        assert await asyncio.to_thread(get_json, server.url(scheme="https"), "/status") == []
