"""Tokens: static ones, and those of an outside issuer whose keys come over a real connection."""

from __future__ import annotations

import asyncio
import hmac
import json
import warnings
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from loopback import closed_port, serving

from exporter.source.tokens.fetching import fetch_keys, may_be_asked
from exporter.source.tokens.issuer import APART_SECONDS, FRESH_SECONDS, SERVE_SECONDS, Issuer, NoKeys, Trust
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.key_set import KeySet, read_key_set
from exporter.source.tokens.signed import LEEWAY, read_token
from exporter.source.tokens.static import StaticTokens
from exporter.source.tokens.verdicts import Verdict
from exporter.tasks.background import in_background
from exporter.transport.tls.contexts import TlsContexts

NOW = 1_700_000_000
ISSUER = "https://issuer.example"
CLAIMS = {"iss": ISSUER, "aud": "exporter", "exp": NOW + 60}

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    WEAK = RSAKey.generate_key(1024, {"kid": "weak"})
SECRET = OctKey.generate_key(256, {"kid": "oct"})


def public(*keys: Any, **more: Any) -> dict[str, Any]:
    return {"keys": [{**key.as_dict(private=False), **more} for key in keys]}


def token(key: Any = RSA, algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    kid = {"kid": key.kid} if key.kid is not None else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode({"alg": algorithm, **kid, **(header or {})}, {**CLAIMS, **claims}, key, registry=registry)


@dataclass
class World:
    """A clock, and what the issuer publishes."""

    now: float = 1000.0
    found: KeySet | NoKeys = field(default_factory=lambda: keys(RSA, EC, ED))
    fetches: int = 0
    warnings: list[str] = field(default_factory=list)

    async def fetch(self) -> KeySet | NoKeys:
        self.fetches += 1
        await asyncio.sleep(0)
        return self.found

    @asynccontextmanager
    async def judging(self, *static: str) -> AsyncIterator[TokenJudge]:
        issuer = Issuer(
            Trust(ISSUER, "exporter"), self.fetch, lambda: self.now, lambda: NOW + self.now - 1000, self.warnings.append
        )
        async with in_background(issuer.run):
            yield TokenJudge(StaticTokens(static), [issuer], lambda: self.now)


def keys(*found: Any) -> KeySet:
    read = read_key_set(public(*found))
    assert read is not None
    return read


async def verdict(judge: TokenJudge, text: str) -> Verdict:
    known = judge.known(text)
    return await judge.judge(text) if known is None else known


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(token(), Verdict.GOOD, id="rsa"),
        pytest.param(token(EC, "ES256"), Verdict.GOOD, id="ec"),
        pytest.param(token(ED, "EdDSA"), Verdict.GOOD, id="ed25519"),
        pytest.param(token(aud=["a", "exporter"]), Verdict.GOOD, id="one of several audiences"),
        pytest.param(token(exp=NOW - LEEWAY + 1), Verdict.GOOD, id="within the leeway"),
        pytest.param(token(exp=NOW - LEEWAY), Verdict.EXPIRED, id="expired"),
        pytest.param(token(aud="other"), Verdict.INVALID, id="audience"),
        pytest.param(token(aud=None), Verdict.INVALID, id="no audience"),
        pytest.param(token(iss="https://other.example"), Verdict.INVALID, id="issuer"),
        pytest.param(token(exp=None), Verdict.INVALID, id="no end"),
        pytest.param(token(exp=True), Verdict.INVALID, id="an end that is no time"),
        pytest.param(token(nbf=NOW + LEEWAY + 1), Verdict.INVALID, id="not yet"),
        pytest.param(token(OTHER), Verdict.INVALID, id="another key of that name"),
        pytest.param(token(algorithm="RS384"), Verdict.INVALID, id="another algorithm than the key's"),
        pytest.param(
            token(header={"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"}), Verdict.GOOD, id="jku"
        ),
        pytest.param(token(header={"own": "x" * 1000, "x5t": "abc"}), Verdict.GOOD, id="fields of the issuer's own"),
        pytest.param(token()[:-6] + "AAAAAA", Verdict.INVALID, id="signature"),
        pytest.param(token().rsplit(".", 1)[0] + ".", Verdict.INVALID, id="no signature"),
        pytest.param("x", Verdict.INVALID, id="nonsense"),
        pytest.param("", Verdict.INVALID, id="nothing"),
        pytest.param("static one", Verdict.GOOD, id="static"),
        pytest.param("static tw", Verdict.INVALID, id="part of a static one"),
    ],
)
async def test_verdicts(text: str, found: Verdict) -> None:
    async with World().judging("static one", "static two") as judge:
        assert await verdict(judge, text) is found
        assert judge.known(text) is found


async def test_a_published_key_is_no_secret_to_sign_with() -> None:
    """The attack of RFC 8725 §2.1: the public key's text as the secret of HS256."""
    head, claims = ({"alg": "HS256", "kid": "rsa"}, CLAIMS)
    signed = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims))
    signature = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    forged = f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"
    async with World().judging() as judge:
        assert await verdict(judge, forged) is Verdict.INVALID
    async with World(found=keys(SECRET)).judging() as judge:
        assert await verdict(judge, token(SECRET, "HS256")) is Verdict.INVALID


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (public(RSA, EC, ED, SECRET, WEAK), ["rsa", "ec", "ed"]),
        (public(RSA, use="enc"), []),
        (public(RSA, alg="HS256"), []),
        (public(RSA, alg=["RS256"]), []),
        (public(RSA, alg="PS512"), ["rsa"]),
        (public(EC, alg="ES384"), []),
        (public(RSA, kid=7), []),
        (public(RSA, n="!"), []),
        (public(EC, x=None), []),
        ({"keys": [1, None, {}]}, []),
        ({"keys": 1}, None),
        ([], None),
    ],
)
def test_what_of_a_key_set_is_used(document: object, names: list[str] | None) -> None:
    read = read_key_set(document)
    assert ([key.kid for key in read.keys] if read is not None else None) == names


def test_a_token_that_names_no_key() -> None:
    one, two = keys(RSA, EC), keys(RSA, OTHER)
    assert one.find(None, "RS256") is one.keys[0]
    assert two.find(None, "RS256") is None


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")) | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*"))
def test_any_text_is_read(text: str) -> None:
    read_token(text)


async def test_an_unknown_key_is_asked_for_once_a_minute() -> None:
    world = World(found=keys(RSA))
    async with world.judging() as judge:
        assert await verdict(judge, token()) is Verdict.GOOD
        world.found = keys(RSA, EC)
        for _ in range(3):
            assert await verdict(judge, token(EC, "ES256")) is Verdict.INVALID
        assert world.fetches == 1
        world.now += APART_SECONDS
        found = await asyncio.gather(*(judge.judge(token(EC, "ES256")) for _ in range(20)))
        assert set(found) == {Verdict.GOOD}
        assert world.fetches == 2


async def test_keys_that_were_taken_back_serve_no_longer() -> None:
    world = World()
    async with world.judging() as judge:
        assert await verdict(judge, token(exp=NOW + 10**6)) is Verdict.GOOD
        world.found = keys(EC)
        world.now += FRESH_SECONDS + 1
        assert judge.known(token(exp=NOW + 10**6)) is Verdict.GOOD
        for _ in range(5):
            await asyncio.sleep(0)
        assert world.fetches == 2
        assert judge.known(token(exp=NOW + 10**6)) is Verdict.INVALID


async def test_the_last_keys_serve_a_day_and_then_nothing_is_decided() -> None:
    world = World()
    lasting = token(exp=NOW + 10**6)
    async with world.judging() as judge:
        assert await verdict(judge, lasting) is Verdict.GOOD
        world.found = NoKeys("away")
        world.now += SERVE_SECONDS - 1
        assert await verdict(judge, lasting) is Verdict.GOOD
        world.now += 100
        assert await verdict(judge, lasting) is Verdict.UNDECIDED
        assert await verdict(judge, "static") is Verdict.INVALID
        world.found = keys(RSA)
        world.now += APART_SECONDS
        assert await verdict(judge, lasting) is Verdict.GOOD
        assert world.warnings
        assert set(world.warnings) == {f"keys of {ISSUER}: away"}


async def test_an_issuer_that_was_never_there() -> None:
    world = World(found=NoKeys("away"))
    async with world.judging("static") as judge:
        assert await verdict(judge, token()) is Verdict.UNDECIDED
        assert await verdict(judge, token()) is Verdict.UNDECIDED
        assert await verdict(judge, "static") is Verdict.GOOD
        assert world.fetches == 1


def answer(document: object, status: str = "200 OK", *more: str) -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (answer(public(RSA, EC)), ["rsa", "ec"]),
        (answer({"keys": []}), []),
        (answer([]), "the answer is no set of keys"),
        (answer(b"nonsense"), "the answer is no set of keys"),
        (answer(b" " * 300_000 + b'{"keys":[]}'), "the answer is no set of keys"),
        (answer(public(RSA), "302 Found", "Location: http://127.0.0.1:1/"), "the answer has status 302"),
        (answer(b"", "500 No"), "the answer has status 500"),
    ],
)
async def test_keys_are_fetched(said: bytes, found: list[str] | str) -> None:
    async def script(peer: Any) -> None:
        heard = await peer.request()
        assert heard.line == "GET /keys HTTP/1.1"
        await peer.send(said)

    async with serving(script) as server:
        read = await fetch_keys(server.url("/keys"), TlsContexts())()
    if isinstance(found, str):
        assert read == NoKeys(found)
    else:
        assert isinstance(read, KeySet)
        assert [key.kid for key in read.keys] == found


async def test_nobody_there() -> None:
    read = await fetch_keys(f"http://127.0.0.1:{closed_port()}/", TlsContexts())()
    assert read == NoKeys("cannot be fetched (ClientConnectorError)")


@pytest.mark.parametrize(
    ("url", "fit"),
    [
        ("https://issuer.example/keys", True),
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]:8080/", True),
        ("http://localhost/", True),
        ("http://issuer.example/keys", False),
        ("http://127.0.0.1.example/", False),
        ("http://10.0.0.1/", False),
        ("file:///etc/passwd", False),
        ("https:///keys", False),
        ("keys", False),
    ],
)
def test_where_keys_may_come_from(url: str, fit: bool) -> None:
    assert may_be_asked(url) is fit
    if not fit:
        with pytest.raises(ValueError, match="over https"):
            fetch_keys(url, TlsContexts())


def test_no_repr_shows_a_token() -> None:
    show: Callable[[object], str] = repr
    secret = token()
    assert secret not in show(read_token(secret))
    assert "loader's" not in show(StaticTokens(["loader's"]))
    assert str(RSA.as_dict(private=False)["n"]) not in show(keys(RSA))
