"""No secret of the configuration shows up anywhere, whatever fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from events import Source
from harness import Place, SecretFile
from processes import eventually, fetch

SECRETS = {
    "token": "secret-bearer-2f6c",
    "wrong-token": "secret-wrong-91ab",
    "client-secret": "secret-client-77d0",
    "password": "secret-password-5e3e",
    "wrong-password": "secret-wrong-c0de",
    "header": "secret-header-8a8a",
    "query": "secret-query-4b1d",
}


def _oauth2(token_url: str, secret: Any) -> dict[str, Any]:
    return {
        "kind": "oauth2_client_credentials",
        "token_url": token_url,
        "client_id": "demo",
        "client_secret": secret,
    }


def test_secrets_stay_out_of_logs_metrics_status_and_dead_letters(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        files = {}
        for name, secret in SECRETS.items():
            path = tmp_path / name
            path.write_text(secret + "\n", encoding="utf-8")
            files[name] = SecretFile(path)
        bearer = place.receiver("--auth", "bearer", "--token", SECRETS["token"], name="bearer")
        client = place.receiver(
            "--auth", "oauth2_client_credentials", "--client-secret", SECRETS["client-secret"], name="client"
        )
        password = place.receiver("--auth", "oauth2_password", "--password", SECRETS["password"], name="password")
        bearer.control(status=422)
        hidden = {"headers": {"x-api-key": files["header"]}, "query": {"key": files["query"]}}
        wrong = {"kind": "bearer", "token": files["wrong-token"]}
        place.destination("rejecting", bearer.url, auth={"kind": "bearer", "token": files["token"]}, **hidden)
        place.destination("refusing", client.url, auth=wrong, **hidden)
        place.destination("unreachable", "http://127.0.0.1:9/", auth=wrong, **hidden)
        place.destination("delivering", client.url, auth=_oauth2(client.token_url, files["client-secret"]), **hidden)
        place.destination("no-token", client.url, auth=_oauth2(client.token_url, files["wrong-token"]), **hidden)
        place.destination(
            "no-password",
            password.url,
            auth={
                **_oauth2(password.token_url, "demo-secret"),
                "kind": "oauth2_password",
                "username": "demo-user",
                "password": files["wrong-password"],
            },
            **hidden,
        )
        place.write()
        source = Source(profiles=10)
        place.publish(source.make(30))
        place.publish([b"not JSON"])
        daemon = place.daemon().ready()
        eventually(
            "all have met their fate",
            lambda: (
                daemon.alive()
                and place.settled("rejecting", "delivering")
                and daemon.paused("refusing") == {"credentials"}
                and daemon.paused("unreachable") == {"unreachable"}
                and daemon.paused("no-token") == {"credentials"}
                and daemon.paused("no-password") == {"credentials"}
            ),
        )
        letters = place.dead_letters()
        assert len(letters) >= 31
        shown = [daemon.log.read_text(), daemon.out.read_text(), str(letters)]
        shown += [str(fetch(f"http://127.0.0.1:{daemon.port}{path}")[1]) for path in ("/metrics", "/status", "/ready")]
        for words in (
            ("deadletters", "show", str(letters[0]["id"])),
            ("status", "--url", f"http://127.0.0.1:{daemon.port}"),
            ("status", "--url", f"http://127.0.0.1:{daemon.port}", "--json"),
            ("check",),
            ("check", "--connect"),
            ("preview", str(_events(tmp_path, source))),
            ("preview", str(_events(tmp_path, source)), "--format", "curl"),
        ):
            done = place.command(*words)
            assert done.stdout, f"{words}: {done.stderr}"
            shown += [done.stdout, done.stderr]
        daemon.terminate()
        shown += [daemon.log.read_text(), (tmp_path / "state.db").read_bytes().decode(errors="replace")]
        for name, secret in SECRETS.items():
            assert not any(secret in text for text in shown), name


def _events(folder: Path, source: Source) -> Path:
    file = folder / "preview.jsonl"
    file.write_bytes(b"".join(event.body + b"\n" for event in source.made[:2]))
    return file
