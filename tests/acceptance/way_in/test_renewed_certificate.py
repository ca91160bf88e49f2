"""SIGHUP of ``exporter serve`` renews the certificate of the data plane: who is connected stays so."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import ssl
from contextlib import closing
from pathlib import Path

from certificates import Authority, Pair
from harness import Place
from processes import Daemon, eventually
from serving import idle, post, serve, way_in


def reloaded(serving: Daemon, event: str) -> None:
    """Send SIGHUP, and wait for the line of the log that says how that went."""
    before = len(serving.logs(event))
    serving.send(signal.SIGHUP)
    eventually(event, lambda: serving.alive() and len(serving.logs(event)) > before)


def test_a_certificate_is_renewed_and_no_connection_ends(tmp_path: Path) -> None:
    old, new, clients = Authority(tmp_path), Authority(tmp_path, "the next one"), Authority(tmp_path, "clients")
    first, second, mine = old.sign("127.0.0.1"), new.sign("127.0.0.1"), clients.sign("sender", name="sender")
    served = Pair(tmp_path / "served.pem", tmp_path / "served.key")
    records = tmp_path / "records.jsonl"
    records.write_text(json.dumps({"id": "sent", "n": 1}))

    def present(certificate: Pair, key: Pair) -> None:
        shutil.copy(certificate.certificate, served.certificate)
        shutil.copy(key.key, served.key)

    with Place(tmp_path) as place:
        way_in(place)
        place.config["serve"]["tls"] = {
            "cert_file": str(served.certificate),
            "key_file": str(served.key),
            "client_ca_file": str(clients.certificate),
        }
        place.write()
        port = place.config["serve"]["port"]

        def sent(authority: Authority, *options: str) -> tuple[int, str]:
            """What ``source send`` comes to on a connection of its own."""
            ours = ("--client-cert-file", str(mine.certificate), "--client-key-file", str(mine.key))
            trust = ("--ca-file", str(authority.certificate), "--url", f"https://127.0.0.1:{port}")
            done = place.command("source", "send", "raw", str(records), *trust, *(options or ours))
            return done.returncode, done.stdout + done.stderr

        present(first, first)
        serving = serve(place).ready()
        context = ssl.create_default_context(cafile=old.certificate)
        context.load_cert_chain(mine.certificate, mine.key)
        with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)) as kept:
            assert post(kept, {"id": "kept", "n": 1})[0] == 200
            socket = kept.sock
            assert sent(old) == (0, "1 record taken, 0 refused\n")
            code, words = sent(old, "--json")  # without a certificate of its own
            assert (code, "no daemon answers" in words) == (1, True), words

            present(second, second)
            reloaded(serving, "reloaded")
            assert sent(new) == (0, "1 record taken, 0 refused\n")
            code, words = sent(old)
            assert (code, "CERTIFICATE_VERIFY_FAILED" in words.upper()) == (1, True), words
            assert post(kept, {"id": "kept", "n": 2})[0] == 200

            # Half a pair, as it stands while somebody copies: the certificate that there is goes on.
            present(first, second)
            reloaded(serving, "reload refused")
            assert "serve.tls: " in serving.logs("reload refused")[0]["problems"][0]
            assert sent(new) == (0, "1 record taken, 0 refused\n")
            assert post(kept, {"id": "kept", "n": 3})[0] == 200
            assert kept.sock is socket
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        assert serving.metric("exporter_source_records_total", "raw", "taken") == 6
        assert serving.terminate() == 0


def test_a_certificate_that_is_none_is_a_wrong_configuration_at_the_start(tmp_path: Path) -> None:
    pair = Authority(tmp_path).sign("127.0.0.1")
    whole = pair.certificate.read_text()
    pair.certificate.write_text(whole[: len(whole) // 2])
    with Place(tmp_path) as place:
        way_in(place)
        place.config["serve"]["tls"] = {"cert_file": str(pair.certificate), "key_file": str(pair.key)}
        place.write()
        done = place.command("serve")
    assert done.returncode == 78, done.stderr
    assert "no PEM certificate with an unencrypted key" in done.stderr
