"""SIGHUP of ``exporter serve``: what is declared is in force anew and no request refused; mistakes change nothing."""

from __future__ import annotations

import json
import os
import signal
import ssl
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
from certificates import Authority
from harness import Place, SecretFile
from processes import Daemon, eventually, fetch
from serving import INLET, Sender, idle, serve, way_in

SECOND = "2301a1f761f6d7bf62c5312c535e1076bbc7f14d728e63cdfd37ecbb4344425b"


def asked(place: Place, serving: Daemon, event: str) -> dict[str, Any]:
    """Have the configuration read anew; the line of the log that says how that went."""
    before = len(serving.logs(event))
    place.write()
    serving.send(signal.SIGHUP)

    def told() -> list[dict[str, Any]]:
        return serving.logs(event)[before:] if serving.alive() else []

    return eventually(event, told)[0]


def status_of(serving: Daemon) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(fetch(f"http://127.0.0.1:{serving.port}/status")[1])
    return document


def posted(place: Place, inlet: str, body: object, token: str = "", tls: ssl.SSLContext | None = None) -> int:
    port = place.config["serve"]["port"]
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    scheme = "http" if tls is None else "https"
    url = f"{scheme}://127.0.0.1:{port}/collection/{inlet}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=tls) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_what_is_declared_is_in_force_after_a_reload_and_nothing_is_refused_meanwhile(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        secret = tmp_path / "loader.txt"
        secret.write_text("first-token")
        place.write()
        serving = serve(place).ready()
        sender = Sender(place, ["p-1", "p-2"], 200)
        sender.start()
        assert posted(place, SECOND, {"id": "q", "n": 1}) == 404
        second = {
            "name": "second",
            "inlet": SECOND,
            "authentication": True,
            "flows": [{"name": "other", "dataset": "people", "mapping": "raw"}],
        }
        place.config["sources"].append(second)
        place.config["serve"]["tokens"] = {"static": [{"name": "loader", "token": SecretFile(secret)}]}
        place.config["serve"]["hold"] = 11
        line = asked(place, serving, "reloaded")
        assert (line["added"], line["removed"], line["changed"], line["same"]) == (["second"], [], [], 1)
        assert line["keys"] == ["serve.tokens", "serve.hold"]
        assert posted(place, SECOND, {"id": "q", "n": 1, "name": "Q"}, "first-token") == 200
        assert posted(place, SECOND, {"id": "q", "n": 1}, "second-token") == 401
        # A secret of a file that changes is read again without a signal.
        secret.write_text("second-token")
        eventually("the new token holds", lambda: posted(place, SECOND, {"id": "q", "n": 2}, "second-token") == 200)
        assert serving.logs("reloaded")[-1]["keys"] == ["serve.tokens"]
        assert posted(place, SECOND, {"id": "q", "n": 3}, "first-token") == 401

        place.config["sources"][1]["flows"][0]["dataset"] = "lost"
        refused = asked(place, serving, "reload refused")
        assert "there is no dataset" in refused["problems"][0]
        config = status_of(serving)["config"]
        assert (config["valid"], config["problems"]) == (False, refused["problems"])
        assert posted(place, SECOND, {"id": "q", "n": 4}, "second-token") == 200

        place.config["sources"][1]["flows"][0]["dataset"] = "people"
        place.config["serve"]["memory"] = "32MiB"
        place.config["profiles"]["coalesce"] = True
        assert asked(place, serving, "reload refused")["keys"] == ["profiles", "serve.memory"]
        samples = serving.metrics()
        assert samples["exporter_config_valid{}"] == 0
        assert samples["exporter_config_reloads_total{invalid}"] == 1
        assert samples["exporter_config_reloads_total{needs_restart}"] == 1

        del place.config["serve"]["memory"], place.config["profiles"]["coalesce"], place.config["serve"]["tokens"]
        del place.config["sources"][1]
        place.config["segments"] = [{"id": "s", "name": "Gold"}]
        line = asked(place, serving, "reloaded")
        assert (line["removed"], line["keys"]) == (["second"], ["segments", "serve.tokens"])
        assert status_of(serving)["config"]["valid"] is True
        sender.join()
        assert len(sender.answered) == 400
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        samples = serving.metrics()
        assert {name for name in samples if "requests_total" in name and ",crm}" in name} == {
            "exporter_source_requests_total{200,crm}"
        }
        assert samples["exporter_source_records_total{raw,taken}"] == 400
        # Elements that are refused stand in the ring, and stop nothing.
        assert posted(place, f"batch/{INLET}", {"messages": [{"id": "p-1", "n": 999}, 7]}) == 207
        eventually("it is kept", lambda: _ring(place) == [("batch_message", "crm", b"7")])
        assert serving.terminate() == 0


def test_a_renewed_certificate_is_presented_without_a_signal_once_it_fits_its_key(tmp_path: Path) -> None:
    first = Authority(tmp_path).sign("127.0.0.1", name="first")
    authority = Authority(tmp_path, "another authority")
    second = authority.sign("127.0.0.1", name="second")
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with Place(tmp_path) as place:
        way_in(place)
        place.config["serve"]["tls"] = {"cert_file": str(first.certificate), "key_file": str(first.key)}
        place.write()
        serving = serve(place).ready()
        second.certificate.rename(first.certificate)

        def refused() -> list[dict[str, Any]]:
            return serving.logs("reload refused") if serving.alive() else []

        [line] = eventually("it is refused", refused)
        assert line["problems"] == [f"serve.tls: {first.key}: the key does not belong to the certificate"]
        second.key.rename(first.key)
        eventually("it reloads", lambda: serving.alive() and serving.logs("reloaded"))
        assert posted(place, INLET, {"id": "q", "n": 1, "name": "Q"}, tls=trusting) == 200
        first.key.unlink()
        os.mkfifo(first.key)
        eventually("a pipe is refused", lambda: len(refused()) > 1)
        assert posted(place, INLET, {"id": "q", "n": 2, "name": "Q"}, tls=trusting) == 200
        assert serving.terminate() == 0


def _ring(place: Place) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(place.config["state"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.execute("SELECT reason, source, message FROM bad_records").fetchall()
