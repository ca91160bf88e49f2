"""The token endpoints: requests as clients of the reference system were recorded to send them, and any others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.gateway import Gateway
from exporter.source.control.ims import routes_of
from exporter.source.control.plane import ControlPlane
from exporter.source.control.request import Request
from exporter.source.control.routes import Route, Routes
from exporter.source.tokens.issuing.clients import Client, Clients
from exporter.source.tokens.issuing.issuing import Issuing
from exporter.source.tokens.issuing.signing_key import SigningKey, new_key
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.key_set import read_key_set, read_public_key
from exporter.source.tokens.own import OwnTokens
from exporter.source.tokens.signed import read_token
from exporter.source.tokens.static import StaticTokens

NOW = 1_796_042_445.5
DAY = 86_400
RSA = RSAKey.generate_key(2048)
CLIENT = Client("ACME@AdobeOrg", sha256(b"acme-secret").digest(), (), read_public_key(RSA.as_pem(private=False)))
CLOSED = Issuing(Clients({"acme-client": CLIENT}), SigningKey(new_key()), DAY)
OPEN = replace(CLOSED, clients=Clients({}, "OPEN@AdobeOrg"))
JWT = jwt.encode(
    {"alg": "RS256"},
    {
        "sub": "tech@techacct.adobe.com",
        "aud": "http://127.0.0.1:28311/c/acme-client",
        "http://127.0.0.1:28311/s/ent_dataservices_sdk": True,
        "iss": "ACME@AdobeOrg",
        "exp": NOW + 60,
    },
    RSA,
)
FORM = "application/x-www-form-urlencoded"
SCOPE = "openid,AdobeID,read_organizations,additional_info.projectedProductContext"
#: Method and path; query; content type; body; the scope of the token; the lifetime that is told.
RECORDED = [
    pytest.param(
        "/ims/token/v3",
        "",
        FORM,
        "grant_type=client_credentials&client_id=acme-client&client_secret=acme-secret&scope=openid%2CAdobeID%2Cread_organizations%2Cadditional_info.projectedProductContext",
        SCOPE,
        DAY - 1,
        id="aepp",
    ),
    pytest.param(
        "/ims/token/v3",
        "",
        FORM,
        "grant_type=client_credentials&client_id=acme-client&client_secret=acme-secret&scope=openid,AdobeID,read_organizations,additional_info.projectedProductContext,session",
        f"{SCOPE},session",
        DAY - 1,
        id="Kafka Connect, OAuth",
    ),
    pytest.param(
        "/ims/token/v1",
        "",
        FORM,
        "grant_type=authorization_code&client_id=acme-client&client_secret=acme-secret&code=acme-code",
        "",
        DAY * 1000 - 500,
        id="Kafka Connect, code",
    ),
    pytest.param(
        "/ims/exchange/jwt/",
        "",
        FORM,
        f"&client_id=acme-client&client_secret=acme-secret&jwt_token={JWT}",
        "",
        DAY * 1000 - 500,
        id="Kafka Connect, JWT",
    ),
    pytest.param(
        "/ims/token/v2",
        "grant_type=client_credentials&client_id=acme-client&client_secret=acme-secret&scope=openid,AdobeID",
        "",
        "",
        "openid,AdobeID",
        DAY - 1,
        id="Postman",
    ),
    pytest.param(
        "/ims/token/v3",
        "client_id=acme-client",
        FORM,
        "client_secret=acme-secret&grant_type=client_credentials&scope=openid",
        "openid",
        DAY - 1,
        id="the client in the query",
    ),
    pytest.param(
        "/ims/exchange/v1/jwt",
        "",
        "multipart/form-data; boundary=b",
        "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("client_id", "acme-client"), ("client_secret", "acme-secret"), ("jwt_token", JWT))
        )
        + "--b--\r\n",
        "",
        DAY * 1000 - 500,
        id="curl -F",
    ),
]


def plane_of(issuing: Issuing | None, *more: Route) -> ControlPlane:
    """A control plane that asks for tokens, with the endpoints and ``more``."""
    own = [] if issuing is None else [OwnTokens(issuing, lambda: NOW)]
    judge = TokenJudge(StaticTokens(["static"]), own, lambda: NOW)
    gateway = Gateway(lambda: judge, (), (), ("prod",))
    return ControlPlane(gateway, Routes((*routes_of(lambda: issuing, lambda: NOW), *more)))


def ask(
    plane: ControlPlane,
    method: str,
    path: str,
    query: str = "",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    async def read_body() -> bytes | Answer:
        return body

    return asyncio.run(plane.answer(RequestHead(method, path, query, headers or {}, len(body)), read_body))


@pytest.mark.parametrize(("path", "query", "content_type", "body", "scope", "lifetime"), RECORDED)
def test_what_clients_send(path: str, query: str, content_type: str, body: str, scope: str, lifetime: int) -> None:
    answer = ask(plane_of(CLOSED), "POST", path, query, body.encode(), {"content-type": content_type})
    assert answer.status == 200, answer.body
    assert ("Cache-Control", "no-store") in answer.headers
    said = orjson.loads(answer.body)
    assert said == {"access_token": said["access_token"], "token_type": "bearer", "expires_in": lifetime}
    token = read_token(said["access_token"])
    assert token is not None
    assert [token.claims[name] for name in ("client_id", "org", "scope")] == ["acme-client", "ACME@AdobeOrg", scope]


@pytest.mark.parametrize(("path", "query", "content_type", "body", "scope", "lifetime"), RECORDED)
def test_the_same_with_another_secret(
    path: str, query: str, content_type: str, body: str, scope: str, lifetime: int
) -> None:
    wrong = [text.replace("acme-secret", "acme-secre") for text in (query, body)]
    answer = ask(plane_of(CLOSED), "POST", path, wrong[0], wrong[1].encode(), {"content-type": content_type})
    assert answer.status == 401
    assert orjson.loads(answer.body)["error"] == "invalid_client"
    assert dict(answer.headers)["WWW-Authenticate"].startswith("Basic")
    open_to_all = ask(plane_of(OPEN), "POST", path, wrong[0], wrong[1].encode(), {"content-type": content_type})
    assert open_to_all.status == 200
    token = read_token(orjson.loads(open_to_all.body)["access_token"])
    assert token is not None
    assert (token.claims["org"], token.claims["scope"]) == ("OPEN@AdobeOrg", scope)


@pytest.mark.parametrize(("path", "query", "content_type", "body", "scope", "lifetime"), RECORDED)
def test_where_they_are_switched_off_there_is_nothing(
    path: str, query: str, content_type: str, body: str, scope: str, lifetime: int
) -> None:
    answer = ask(plane_of(None), "POST", path, query, body.encode(), {"content-type": content_type})
    assert answer.status == 404
    assert ask(plane_of(None), "GET", "/ims/keys").status == 404


def test_keys_are_published() -> None:
    found = read_key_set(orjson.loads(ask(plane_of(CLOSED), "GET", "/ims/keys").body))
    assert found is not None
    [key] = found.keys
    assert key.kid == CLOSED.key.public.kid


def test_who_asks_is_the_client_of_the_token() -> None:
    seen: list[str] = []

    async def reply(request: Request) -> Answer:
        seen.append(request.client)
        return Answer(200, b"{}")

    plane = plane_of(CLOSED, Route("GET", "/who", "who", "", reply))
    form = b"grant_type=client_credentials&client_id=acme-client&client_secret=acme-secret"
    token = orjson.loads(ask(plane, "POST", "/ims/token/v3", "", form).body)["access_token"]
    needed = {"x-api-key": "key", "x-gw-ims-org-id": "org"}
    for presented in (token, f"Bearer {token}", "static"):
        assert ask(plane, "GET", "/who", headers={**needed, "authorization": presented}).status == 200
    assert seen == ["acme-client", "acme-client", "key"]
    refused = ask(plane_of(None), "GET", "/who", headers={**needed, "authorization": token})
    assert (refused.status, orjson.loads(refused.body)["error_code"]) == (401, "401013")


NAMES = st.sampled_from(["client_id", "client_secret", "grant_type", "scope", "code", "jwt_token", "else"])
VALUES = st.sampled_from(["", "acme-client", "acme-secret", "client_credentials", JWT, "a.b.c", "%", "%ff", "x" * 9000])
PAIRS = st.lists(st.tuples(NAMES, VALUES | st.text(max_size=10))).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)


@given(
    issuing=st.sampled_from([CLOSED, OPEN]),
    path=st.sampled_from(
        ["/ims/token/v1", "/ims/token/v2", "/ims/token/v3", "/ims/exchange/jwt", "/ims/exchange/v1/jwt"]
    ),
    query=PAIRS | st.text(max_size=20),
    content_type=st.sampled_from(["", FORM, "multipart/form-data; boundary=b", "application/json"]),
    body=PAIRS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60),
    authorization=st.sampled_from(["", "Bearer x", "Basic YTpi", "Basic !"]) | st.text(max_size=10),
)
def test_any_request_is_answered_in_the_shape_that_is_documented(
    issuing: Issuing, path: str, query: str, content_type: str, body: bytes, authorization: str
) -> None:
    headers = {"content-type": content_type, "authorization": authorization}
    answer = ask(plane_of(issuing), "POST", path, query, body, headers)
    said: dict[str, Any] = orjson.loads(answer.body)
    if answer.status == 200:
        assert set(said) == {"access_token", "token_type", "expires_in"}
        assert read_token(said["access_token"]) is not None
    else:
        assert set(said) == {"error", "error_description"}
        assert (answer.status == 401) is (said["error"] == "invalid_client")
        assert answer.status in (400, 401)
