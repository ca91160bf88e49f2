"""Who gets a token for what, and what is wrong with a JWT of a client."""

from __future__ import annotations

import warnings
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from exporter.source.tokens.issuing.clients import Client, Clients
from exporter.source.tokens.issuing.grants import (
    Grant,
    Judge,
    Refused,
    authorization_code,
    client_credentials,
    signed_assertion,
)
from exporter.source.tokens.key_set import NoKey, read_public_key

NOW = 1_700_000_000.0
KEY, OTHER = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
ACME = Client(
    "ACME@AdobeOrg",
    sha256(b"acme-secret").digest(),
    ("openid", "AdobeID"),
    read_public_key(KEY.as_pem(private=False)),
)
ANY = Client("ANY@AdobeOrg", sha256(b"any-secret").digest())
CLIENTS = Clients({"acme-client": ACME, "any": ANY})
OPEN = replace(CLIENTS, open_org="OPEN@AdobeOrg")
RIGHT = {"client_id": "acme-client", "client_secret": "acme-secret"}
CLAIMS = {
    "iss": "ACME@AdobeOrg",
    "sub": "tech@techacct.adobe.com",
    "aud": "http://127.0.0.1:28311/c/acme-client",
    "http://127.0.0.1:28311/s/ent_dataservices_sdk": True,
    "exp": NOW + 60,
}


def signed(key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> str:
    kept = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode({"alg": algorithm}, kept, key, registry=registry)


@pytest.mark.parametrize(
    ("judge", "fields", "clients", "found"),
    [
        pytest.param(
            client_credentials, {"scope": "openid,AdobeID,openid"}, CLIENTS, ("openid", "AdobeID"), id="commas"
        ),
        pytest.param(client_credentials, {"scope": "AdobeID openid"}, CLIENTS, ("AdobeID", "openid"), id="spaces"),
        pytest.param(client_credentials, {}, CLIENTS, ACME.scopes, id="no scope"),
        pytest.param(client_credentials, {"scope": " , "}, CLIENTS, ACME.scopes, id="an empty scope"),
        pytest.param(client_credentials, {"scope": "openid,else"}, CLIENTS, "invalid_scope", id="a scope of others"),
        pytest.param(
            client_credentials,
            {"client_id": "any", "client_secret": "any-secret", "scope": "a,b"},
            CLIENTS,
            ("a", "b"),
            id="any scope",
        ),
        pytest.param(client_credentials, {"client_secret": "wrong"}, CLIENTS, "invalid_client", id="wrong secret"),
        pytest.param(client_credentials, {"client_id": "nobody"}, CLIENTS, "invalid_client", id="nobody"),
        pytest.param(
            client_credentials, {"client_id": "nobody", "client_secret": ""}, CLIENTS, "invalid_request", id="empty"
        ),
        pytest.param(client_credentials, {"client_id": ""}, OPEN, "invalid_request", id="no client, though open"),
        pytest.param(client_credentials, {"client_id": "nobody", "scope": "x"}, OPEN, ("x",), id="open"),
        pytest.param(client_credentials, {"client_secret": "wrong"}, OPEN, ACME.scopes, id="open to a known client"),
        pytest.param(
            client_credentials, {"grant_type": "password"}, CLIENTS, "unsupported_grant_type", id="grant type"
        ),
        pytest.param(client_credentials, {"grant_type": ""}, CLIENTS, "invalid_request", id="no grant type"),
        pytest.param(authorization_code, {"code": "acme-code"}, CLIENTS, ACME.scopes, id="code"),
        pytest.param(authorization_code, {}, CLIENTS, "invalid_request", id="no code"),
        pytest.param(
            authorization_code, {"code": "c", "client_secret": "no"}, CLIENTS, "invalid_client", id="code alone"
        ),
        pytest.param(signed_assertion, {"jwt_token": signed()}, CLIENTS, ACME.scopes, id="JWT"),
        pytest.param(signed_assertion, {}, CLIENTS, "invalid_request", id="no JWT"),
        pytest.param(
            signed_assertion, {"jwt_token": signed(), "client_secret": "no"}, CLIENTS, "invalid_client", id="JWT alone"
        ),
        pytest.param(signed_assertion, {"jwt_token": "x", "client_id": "you"}, OPEN, (), id="any JWT, as it is open"),
    ],
)
def test_grants(judge: Judge, fields: dict[str, str], clients: Clients, found: tuple[str, ...] | str) -> None:
    kind = "authorization_code" if judge is authorization_code else "client_credentials"
    asked = {"grant_type": kind, **RIGHT, **fields}
    grant = judge(asked, clients, NOW)
    if isinstance(found, str):
        assert isinstance(grant, Refused)
        assert grant.error == found
        assert (grant.status, grant.error == "invalid_client") in ((400, False), (401, True))
        assert "acme" not in grant.description
    else:
        known = clients.named.get(asked["client_id"])
        assert grant == Grant(asked["client_id"], "OPEN@AdobeOrg" if known is None else known.org, found)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(signed(aud=["x", "https://ims.example.com/c/acme-client"]), None, id="one of several audiences"),
        pytest.param(signed(iss="OTHER@AdobeOrg"), "iss", id="another organisation"),
        pytest.param(signed(sub=None), "sub", id="no account"),
        pytest.param(signed(sub=7), "sub", id="an account that is no text"),
        pytest.param(signed(aud="http://127.0.0.1/c/other"), "aud", id="another client"),
        pytest.param(signed(aud="/c/acme-client"), "aud", id="no endpoint"),
        pytest.param(signed(aud="http://[/c/acme-client"), "aud", id="no URL"),
        pytest.param(signed(aud="acme-client"), "aud", id="the client alone"),
        pytest.param(signed(aud=None), "aud", id="no audience"),
        pytest.param(signed(exp=NOW - 1), "has expired", id="expired"),
        pytest.param(signed(exp=None), "not signed by this client's key, or names no time", id="no end"),
        pytest.param(signed(OTHER), "not signed by this client's key", id="another key"),
        pytest.param(signed(algorithm="RS512"), "not signed by RS256", id="another algorithm"),
        pytest.param(signed(OKPKey.generate_key("Ed25519"), "EdDSA"), "not signed by RS256", id="another kind of key"),
        pytest.param("a.b.c", "no signed JWT", id="nonsense"),
    ],
)
def test_what_is_wrong_with_a_jwt(text: str, reason: str | None) -> None:
    grant = signed_assertion({**RIGHT, "jwt_token": text}, CLIENTS, NOW)
    if reason is None:
        assert isinstance(grant, Grant)
    else:
        assert isinstance(grant, Refused)
        assert (grant.status, grant.error) == (400, "invalid_grant")
        assert reason in grant.description


def test_a_client_without_a_key_sends_no_jwt() -> None:
    sent = {"client_id": "any", "client_secret": "any-secret", "jwt_token": signed()}
    grant = signed_assertion(sent, CLIENTS, NOW)
    assert isinstance(grant, Refused)
    assert "no key is configured" in grant.description


@pytest.mark.filterwarnings("error")
def test_only_an_rsa_key_of_some_length_verifies_jwts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = RSAKey.generate_key(1024).as_pem(private=False)
    for pem in (
        b"",
        b"nonsense",
        OKPKey.generate_key("Ed25519").as_pem(private=False),
        KEY.as_pem(private=True),
        short,
    ):
        with pytest.raises(NoKey) as found:
            read_public_key(pem)
        assert "BEGIN" not in str(found.value)


def test_no_repr_shows_a_secret() -> None:
    assert repr(ACME.digest) not in repr(CLIENTS)
    assert "acme-secret" not in repr(CLIENTS)
