"""Tokens of our own: signed by one key, verified without a look-up, by others too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from joserfc.jwk import OKPKey

from exporter.source.tokens.issuer import Issuer, NoKeys, Trust
from exporter.source.tokens.issuing.clients import Client, Clients
from exporter.source.tokens.issuing.grants import Grant, Refused
from exporter.source.tokens.issuing.issuing import AUDIENCE, Issued, Issuing
from exporter.source.tokens.issuing.signing_key import SigningKey, new_key
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.key_set import KeySet, NoKey, read_key_set
from exporter.source.tokens.own import OwnTokens
from exporter.source.tokens.signed import LEEWAY, read_token
from exporter.source.tokens.static import StaticTokens
from exporter.source.tokens.verdicts import Verdict
from exporter.tasks.background import in_background

NOW = 1_700_000_000.7
TEXT = new_key()
CLIENTS = Clients({"acme": Client("ACME@AdobeOrg", b"")})
GRANT = Grant("acme", "ACME@AdobeOrg", ("openid", "AdobeID"))


def issuing(text: str = TEXT, clients: Clients = CLIENTS, lifetime: float = 60.0) -> Issuing:
    return Issuing(clients, SigningKey(text), lifetime)


@dataclass
class World:
    """The time, and a judge of own tokens."""

    now: float = NOW

    def judge(self, *made: Issuing) -> TokenJudge:
        own = [OwnTokens(each, lambda: self.now) for each in made]
        return TokenJudge(StaticTokens(["static"]), own, lambda: self.now)


def token(made: Issuing, grant: Grant = GRANT) -> str:
    issued = made.issue(grant, NOW)
    assert isinstance(issued, Issued)
    return issued.text


def test_what_a_token_says() -> None:
    made = issuing()
    issued = made.issue(GRANT, NOW)
    assert isinstance(issued, Issued)
    assert 59.2 < issued.seconds < 59.4
    read = read_token(issued.text)
    assert read is not None
    assert read.claims == {
        "iss": made.key.issuer,
        "aud": AUDIENCE,
        "client_id": "acme",
        "org": "ACME@AdobeOrg",
        "scope": "openid,AdobeID",
        "iat": int(NOW),
        "exp": int(NOW) + 60,
    }
    assert (read.kid, read.algorithm) == (made.key.public.kid, "EdDSA")
    assert made.key.issuer.endswith(str(read.kid))


def test_a_token_is_good_to_its_very_end_after_a_restart_too() -> None:
    world = World()
    text = token(issuing())
    judge, other = world.judge(issuing()), world.judge(issuing(new_key()))
    assert other.known(text) is Verdict.INVALID
    assert judge.known(text) is Verdict.GOOD
    assert (judge.client(text), judge.client("static")) == ("acme", "")
    world.now = int(NOW) + 59.9
    assert judge.known(text) is Verdict.GOOD
    world.now = int(NOW) + 60.0  # although the judge has just seen that it is good
    assert judge.known(text) is Verdict.EXPIRED
    assert asyncio.run(judge.judge(text)) is Verdict.EXPIRED


def test_a_client_that_is_taken_out_has_no_good_tokens() -> None:
    text = token(issuing())
    world = World()
    assert world.judge(issuing(clients=Clients({}))).known(text) is Verdict.INVALID
    assert world.judge(issuing(clients=Clients({}, "ANY@AdobeOrg"))).known(text) is Verdict.GOOD
    assert world.judge().known(text) is Verdict.INVALID


def test_what_others_made_is_not_ours() -> None:
    made = issuing()
    judge = World().judge(made)
    forged = SigningKey(new_key())
    head, _, _ = token(made).split(".")
    text = forged.sign({"iss": made.key.issuer, "client_id": ["acme"], "exp": NOW + 60})
    assert judge.known(text) is Verdict.INVALID  # of another key, which it names
    assert (
        judge.known(".".join((head, *text.split(".")[1:]))) is Verdict.INVALID
    )  # of another key, which it does not name
    endless = made.key.sign({"client_id": "acme"})
    assert judge.known(endless) is Verdict.INVALID


async def test_others_verify_tokens_by_the_keys_that_are_published() -> None:
    made = issuing()
    document = orjson.loads(orjson.dumps(made.key.published()))
    assert "d" not in document["keys"][0]
    found = read_key_set(document)

    async def fetch() -> KeySet | NoKeys:
        return NoKeys("none") if found is None else found

    issuer = Issuer(Trust(made.key.issuer, AUDIENCE), fetch, lambda: NOW, lambda: NOW, pytest.fail)
    async with in_background(issuer.run):
        read = read_token(token(made))
        assert read is not None
        assert await issuer.judge(read) is Verdict.GOOD
        assert issuer.lasts(read) == int(NOW) + 60 + LEEWAY - NOW


def test_a_token_that_no_header_would_take_is_refused() -> None:
    refused = issuing().issue(Grant("acme", "o" * 9000, ()), NOW)
    assert isinstance(refused, Refused)
    assert refused.error == "invalid_scope"


@pytest.mark.parametrize("lifetime", [0.001, 1.0])
def test_the_shortest_life_is_a_second(lifetime: float) -> None:
    issued = issuing(lifetime=lifetime).issue(GRANT, NOW)
    assert isinstance(issued, Issued)
    assert 0 < issued.seconds <= 1


def x25519() -> dict[str, Any]:
    return dict(OKPKey.generate_key("X25519").as_dict(private=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "nonsense",
        orjson.dumps(OKPKey.import_key(orjson.loads(TEXT)).as_dict(private=False)).decode(),
        orjson.dumps(x25519()).decode(),
        orjson.dumps({**orjson.loads(TEXT), "d": "x"}).decode(),
    ],
    ids=["nothing", "empty", "an array", "no JSON", "public", "of another curve", "cut"],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(NoKey, match="the key that signs tokens is none") as found:
        SigningKey(text)
    assert found.value.__cause__ is None


def test_no_repr_shows_the_key() -> None:
    secret = orjson.loads(TEXT)["d"]
    made = issuing()
    for shown in (
        repr(made),
        repr(made.key),
        repr(OwnTokens(made, lambda: NOW)),
        str(vars(OwnTokens)),
        repr(made.key.public),
    ):
        assert secret not in shown
