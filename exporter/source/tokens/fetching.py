"""Asks an issuer for its keys, over HTTPS or on loopback."""

from __future__ import annotations

import ipaddress

import aiohttp
import orjson
from yarl import URL

from exporter.sections.tls import Tls
from exporter.source.tokens.issuer import Fetch, NoKeys
from exporter.source.tokens.key_set import KeySet, read_key_set
from exporter.transport.tls.contexts import TlsContexts

_SECONDS = 10.0
_MAX_BYTES = 256 * 1024


def may_be_asked(url: str) -> bool:
    """Whether keys may be fetched from ``url``: by HTTPS, or from this machine, where nobody can change them."""
    parsed = URL(url)
    if parsed.scheme == "https":
        return bool(parsed.host)
    return parsed.scheme == "http" and _is_loopback(parsed.host or "")


def fetch_keys(url: str, contexts: TlsContexts) -> Fetch:
    """A function that asks ``url`` for its keys, on a connection of its own; redirects are not followed.

    Raises:
        ValueError: ``url`` is neither of HTTPS nor of loopback.
    """
    if not may_be_asked(url):
        raise ValueError("keys are fetched over https, or from loopback")

    async def fetch() -> KeySet | NoKeys:
        try:
            connector = aiohttp.TCPConnector(ssl=contexts.of(Tls()), force_close=True)
            timeout = aiohttp.ClientTimeout(total=_SECONDS)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
                session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
            ):
                if answer.status != 200:
                    return NoKeys(f"the answer has status {answer.status}")
                return _read(await _content(answer))
        except TimeoutError:
            return NoKeys("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return NoKeys(f"cannot be fetched ({type(error).__name__})")

    return fetch


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for piece in answer.content.iter_chunked(64 * 1024):
        content += piece
        if len(content) > _MAX_BYTES:
            return b""
    return content


def _read(content: bytes) -> KeySet | NoKeys:
    try:
        found = read_key_set(orjson.loads(content))
    except orjson.JSONDecodeError:
        found = None
    return NoKeys("the answer is no set of keys") if found is None else found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
