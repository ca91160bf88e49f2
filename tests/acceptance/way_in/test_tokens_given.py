"""Tokens of ``exporter serve``: got by curl as clients get them, used at an inlet and at the control plane."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest
from harness import Place, SecretFile
from joserfc import jwt
from joserfc.jwk import RSAKey
from processes import Daemon, eventually
from serving import INLET, serve, way_in

SCOPE = "openid,AdobeID,read_organizations,additional_info.projectedProductContext"
ENTITY = "/data/core/ups/access/entities?entityId=nobody&entityIdNS=key"
WHO = "client_id=acme-client&client_secret=acme-secret"
SECRET_TYPE = f"grant_type=client_credentials&{WHO}"
PARTS = ["-F", "client_id=acme-client", "-F", "client_secret=acme-secret", "-F", "jwt_token=JWT"]
#: What clients were recorded to send; ``JWT`` stands for the JWT of the moment.
SENT = {
    "aepp": ("/ims/token/v3", ["-d", f"{SECRET_TYPE}&scope={SCOPE.replace(',', '%2C')}"]),
    "Kafka Connect": ("/ims/token/v3", ["-d", f"{SECRET_TYPE}&scope={SCOPE},session"]),
    "Kafka Connect by code": ("/ims/token/v1", ["-d", f"grant_type=authorization_code&{WHO}&code=acme-code"]),
    "Kafka Connect by JWT": ("/ims/exchange/jwt/", ["-d", f"&{WHO}&jwt_token=JWT"]),
    "Postman": (f"/ims/token/v2?{SECRET_TYPE}&scope=openid,AdobeID", ["-X", "POST"]),
    "curl -F": ("/ims/exchange/jwt", PARTS),
    "curl -F of the older path": ("/ims/exchange/v1/jwt", PARTS),
    "Authlib": ("/ims/token/v3", ["-u", "acme-client:acme-secret", "-d", "grant_type=client_credentials"]),
}


def curl(url: str, *options: str) -> tuple[int, Any]:
    """Status and JSON of the answer."""
    command = ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


@dataclass
class Client:
    """A client of a place that gives tokens, with the key of its JWTs."""

    place: Place
    key: RSAKey

    def jwt(self) -> str:
        claims = {
            "sub": "tech@techacct.adobe.com",
            "aud": f"{self.api}/c/acme-client",
            f"{self.api}/s/ent_dataservices_sdk": True,
            "iss": "ACME@AdobeOrg",
            "exp": int(time.time()) + 600,
        }
        return jwt.encode({"alg": "RS256"}, claims, self.key)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.place.config['serve']['api']['port']}"

    def asks(self, name: str) -> tuple[int, Any]:
        path, options = SENT[name]
        made = self.jwt()
        return curl(self.api + path, *(each.replace("JWT", made) for each in options))

    def token(self, name: str = "aepp") -> str:
        status, body = self.asks(name)
        assert status == 200, body
        assert set(body) == {"access_token", "token_type", "expires_in"}
        return str(body["access_token"])

    def sends(self, token: str) -> int:
        url = f"http://127.0.0.1:{self.place.config['serve']['port']}/collection/{INLET}"
        return curl(
            url,
            *("-d", '{"id": "p1", "n": 1, "name": "Ada"}', "-H", "Content-Type: application/json"),
            *("-H", f"Authorization: Bearer {token}"),
        )[0]

    def reads(self, token: str) -> int:
        """404: the token is good, and there is no such profile."""
        headers = (f"Authorization: Bearer {token}", "x-api-key: acme-client", "x-gw-ims-org-id: ACME@AdobeOrg")
        return curl(self.api + ENTITY, *(part for each in headers for part in ("-H", each)))[0]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Of a place with an inlet and a control plane that demand tokens; nothing runs yet."""
    place = Place(tmp_path)
    way_in(place)
    secret, key = tmp_path / "secret.txt", RSAKey.generate_key(2048)
    secret.write_text("acme-secret\n")
    (tmp_path / "acme.pem").write_bytes(key.as_pem(private=False))
    place.config["sources"][0]["authentication"] = True
    place.config["serve"]["api"]["auth"] = "tokens"
    named = {
        "client_id": "acme-client",
        "secret": SecretFile(secret),
        "org": "ACME@AdobeOrg",
        "jwt_public_key_file": "acme.pem",
    }
    place.config["serve"]["ims"] = {"clients": [named]}
    place.write()
    return Client(place, key)


def reloaded(serving: Daemon, place: Place) -> None:
    before = len(serving.logs("reloaded"))
    place.write()
    serving.send(signal.SIGHUP)
    eventually("it reloads", lambda: serving.alive() and len(serving.logs("reloaded")) > before)


def test_every_client_gets_a_token_that_is_good_everywhere_and_after_a_restart(client: Client) -> None:
    with client.place as place:
        serving = serve(place).ready()
        tokens = {name: client.token(name) for name in SENT}
        for name, token in tokens.items():
            assert (client.sends(token), client.reads(token)) == (200, 404), name
        assert client.asks("aepp")[1]["expires_in"] in (86_398, 86_399, 86_400)
        assert 86_390_000 < client.asks("Kafka Connect by code")[1]["expires_in"] <= 86_400_000
        for wrong in ("", tokens["aepp"][:-4] + "AAAA", "x"):
            assert client.sends(wrong) == 401
            assert client.reads(wrong) == (401 if wrong else 403)
        refused = curl(f"{client.api}/ims/token/v3", "-d", "grant_type=client_credentials&client_id=a&client_secret=b")
        assert (refused[0], refused[1]["error"]) == (401, "invalid_client")
        published = curl(f"{client.api}/ims/keys")[1]
        assert serving.terminate() == 0

        again = serve(place).ready()
        assert curl(f"{client.api}/ims/keys")[1] == published
        for token in tokens.values():
            assert (client.sends(token), client.reads(token)) == (200, 404)
        # The key is a secret, and so is what clients present.
        [kept] = _kept(place)
        commands = (("check",), ("check", "--json"), ("backup", "copy"), ("source", "status", "--json"))
        said = [place.command(*words) for words in commands]
        shown = [daemon.log.read_text() for daemon in (serving, again)] + [each.stdout + each.stderr for each in said]
        assert all(each.returncode == 0 for each in said)
        for secret in (json.loads(kept)["d"], "acme-secret", tokens["aepp"]):
            assert not [text for text in shown if secret in text]
        assert again.terminate() == 0


def test_what_curl_would_hardly_send(client: Client) -> None:
    """A body that waits to be asked for, as older ones of a kilobyte do, and bytes that are no text."""
    form = f"{SECRET_TYPE}&scope=openid".encode()
    head = b"POST /ims/token/v3%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n"
    with client.place as place:
        serving = serve(place).ready()
        address = ("127.0.0.1", place.config["serve"]["api"]["port"])
        with closing(socket.create_connection(address, timeout=60)) as patient, patient.makefile("rb") as answer:
            patient.sendall(head % (b"", len(form), b"Expect: 100-continue\r\n"))
            assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
            patient.sendall(form)
            assert b'{"access_token":' in answer.read()
        for query, body in ((b"?client_id=%ff", b""), (b"", b"client_id=\xff"), (b"?%ed%a0%80=%ed%a0%80", b"")):
            with closing(socket.create_connection(address, timeout=60)) as odd, odd.makefile("rb") as answer:
                odd.sendall(head % (query, len(body), b"") + body)
                assert b'{"error":"invalid_request","error_description":"the form is no UTF-8"}' in answer.read()
        assert serving.terminate() == 0
        assert not serving.logs("bug")


def test_what_a_reload_changes_of_it(client: Client) -> None:
    with client.place as place:
        serving = serve(place).ready()
        before = client.token()
        ims = place.config["serve"]["ims"]

        ims["lifetime"] = 1
        reloaded(serving, place)
        short = client.token()
        # Seen as good or not: with its second, its life is over.
        eventually("it has expired", lambda: client.sends(short) == 401)
        assert client.reads(short) == 401
        assert client.sends(before) == 200

        ims["clients"][0]["scopes"] = ["openid", "AdobeID"]
        reloaded(serving, place)
        status, refusal = client.asks("aepp")
        assert (status, refusal["error"]) == (400, "invalid_scope")
        assert client.asks("Postman")[0] == 200

        # Another key in the same file is read without a signal.
        client.key = RSAKey.generate_key(2048)
        assert client.asks("curl -F")[1]["error"] == "invalid_grant"
        count = len(serving.logs("reloaded"))
        (place.folder / "acme.pem").write_bytes(client.key.as_pem(private=False))
        eventually("the file is read", lambda: serving.alive() and len(serving.logs("reloaded")) > count)
        assert serving.logs("reloaded")[-1]["keys"] == ["serve.ims"]
        assert client.asks("curl -F")[0] == 200
        (place.folder / "acme.pem").write_bytes(client.key.as_pem(private=True))
        eventually("a private key is refused", lambda: serving.alive() and serving.logs("reload refused"))
        assert client.asks("curl -F")[0] == 200
        (place.folder / "acme.pem").write_bytes(client.key.as_pem(private=False))

        place.config["serve"]["ims"] = None
        reloaded(serving, place)
        assert {name: client.asks(name)[0] for name in SENT} == dict.fromkeys(SENT, 404)
        assert curl(f"{client.api}/ims/keys")[0] == 404
        assert (client.sends(before), client.reads(before)) == (401, 401)

        place.config["serve"]["ims"] = {"open": True}
        reloaded(serving, place)
        anybody = curl(f"{client.api}/ims/token/v3", "-d", "grant_type=client_credentials&client_id=a&client_secret=b")
        assert anybody[0] == 200
        assert client.sends(anybody[1]["access_token"]) == 200
        assert client.sends(before) == 200
        # No page of a browser gets one for nothing, whatever its name was turned to.
        for header in ("Host: evil.example", "Origin: https://evil.example"):
            form = ("-d", "grant_type=client_credentials&client_id=a&client_secret=b", "-H", header)
            assert curl(f"{client.api}/ims/token/v3", *form)[0] == 403
            assert curl(f"{client.api}//ims/token/v3", *form)[0] == 403
        assert serving.terminate() == 0


def test_beyond_this_machine_there_are_none_without_clients(client: Client) -> None:
    with client.place as place:
        place.config["serve"]["api"]["host"] = "0.0.0.0"
        clients = place.config["serve"]["ims"].pop("clients")
        place.config["serve"]["ims"]["lifetime"] = "1h"
        place.write()
        assert "nobody gets a token" in place.command("check").stderr
        serving = serve(place).ready()
        assert client.asks("aepp")[0] == 404
        place.config["serve"]["ims"]["clients"] = clients
        reloaded(serving, place)
        assert client.sends(client.token()) == 200
        assert serving.terminate() == 0


def _kept(place: Place) -> list[str]:
    path = place.config["state"]["path"]
    with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [text for (text,) in connection.execute("SELECT id FROM made_ids WHERE name = 'ims/key'")]
