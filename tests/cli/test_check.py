"""``exporter check``: what it prints, refuses and reaches; a real process against real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from check_command import check
from loopback import Peer, repeats, serving
from span_collector import SpanCollector

from exporter.cli.check.command import _of_destination, planned
from exporter.cli.check.section_text import as_text
from exporter.settings.loading.load import Loaded
from exporter.settings.masking import Masking
from exporter.settings.tree import Settings
from exporter.transport.requests.headers import USER_AGENT

TOKEN = b'{"access_token": "hunter2", "token_type": "Bearer", "expires_in": 3600}'
DESTINATION: dict[str, Any] = {
    "name": "crm",
    "endpoint": "https://crm.example.com/p?key=hunter2",
    "segments": ["a", {"namespace": "aam", "id": "b"}],
    "attributes": ["personID"],
}


async def answer_tokens(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    await peer.send(b"Content-Length: %d\r\n\r\n%s" % (len(TOKEN), TOKEN))


async def refuse_tokens(peer: Peer) -> None:
    await peer.request()
    body = b'{"error": "invalid_client"}'
    await peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n")
    await peer.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


async def listen_only(peer: Peer) -> None:
    """Any byte that comes would be a request, which a check must not send."""
    peer.server.heard.append(await peer.request())


async def ask_for_credentials(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


async def tunnel(peer: Peer) -> None:
    heard = await peer.request()
    host, _, port = heard.line.split(" ")[1].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def forward() -> None:
        while data := await reader.read(4096):
            await peer.send(data)

    async with asyncio.TaskGroup() as tasks:
        forwarding = tasks.create_task(forward())
        while data := await peer.reader.read(4096):
            writer.write(data)
            await writer.drain()
        forwarding.cancel()
    writer.transport.abort()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.db")}


def test_the_default_configuration_is_that_of_the_design() -> None:
    """The default is what the tutorial and the container rely on."""
    from exporter.cli.shared.config import DEFAULT_CONFIG

    assert DEFAULT_CONFIG.as_posix() == "config/exporter.yaml"


async def test_half_a_pair_of_certificates_is_noted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, two = authority.sign(name="one"), authority.sign(name="two")
    tls = {"client_cert_file": str(one.certificate), "client_key_file": str(two.key)}
    ended = await check(tmp_path, "--json", destinations=[{**DESTINATION, "tls": tls}])
    assert ended.code == 0
    [note] = json.loads(ended.stdout)["notes"][-1:]
    assert note.startswith(f"crm: {two.key}: the key does not belong to the certificate: as long as this is so")
    assert note in ended.stderr


async def test_it_prints_what_would_run_without_secrets(tmp_path: Path) -> None:
    destination = {
        **DESTINATION,
        "headers": {"x-key": "hunter2"},
        "query": "sig=hunter2",
        "auth": {"kind": "bearer", "token": "hunter2"},
        "proxy": "http://user:hunter2@proxy.example.com:3128",
        "activate_on": {"identities": False},
    }
    found = await check(tmp_path, destinations=[destination, {**DESTINATION, "name": "off", "enabled": False}])
    assert found.code == 0
    for part in (
        "crm",
        "off (switched off)",
        "https://crm.example.com/p?key=**********&sig=**********",
        "bearer",
        "x-key",
        "http://proxy.example.com:3128",
        "ups/a, aam/b",
        "personID",
        "segment, attribute, backfill; members of a mapped segment",
        "after 15, 30 s",
        "10000 attempts/s, 256 in flight, 10 s each",
    ):
        assert part in found.stdout
    assert found.stderr.splitlines() == [
        f"note: crm: {place} stands in the file in plain text; use !file or ${{NAME}}"
        for place in ("headers.x-key", "auth.token", "proxy")
    ]
    assert "hunter2" not in found.stdout + found.stderr


def loaded(settings: Settings) -> Loaded:
    """Settings as if they stood in a file, in plain text."""
    return Loaded(settings, (), (), (), frozenset(), {})


#: Every secret of it is hunter2.
KAFKA: dict[str, Any] = {
    "kind": "kafka",
    "tls": {},
    "sasl": {
        "mechanism": "OAUTHBEARER",
        "auth": {
            "token_url": "https://login.example.com/token?key=hunter2",
            "client_id": "c",
            "client_secret": "hunter2",
            "extra": {"assertion": "hunter2"},
            "proxy": "http://u:hunter2@proxy.example.com",
        },
    },
}


@pytest.mark.parametrize(
    ("queue", "shown"),
    [
        (
            {"kind": "journal", "path": "q.db", "max_bytes": 3 * 1024**2},
            "kind journal, path q.db, max_bytes 3MiB, retain 0s, group_prefix exporter.",
        ),
        (
            {"kind": "redis", "url": "rediss://u:hunter2@r.example.com"},
            "kind redis, url rediss://r.example.com:6379/0, stream profile-changes, group_prefix exporter.",
        ),
        (
            {"kind": "nats", "create": True, "max_age": 3600, "url": "nats://a.example,nats://b.example"},
            "kind nats, url nats://a.example,nats://b.example, stream profile-changes, create true, replicas 1, "
            "max_age 1h, lease 8s, inbox_prefix _INBOX, group_prefix exporter.",
        ),
        (
            KAFKA,
            "kind kafka, bootstrap_servers 127.0.0.1:9092, topic profile-changes, group_prefix exporter., client_id "
            "exporter, tls {}, sasl.mechanism OAUTHBEARER, sasl.auth.token_url https://login.example.com/token?key=…, "
            "sasl.auth.client_id c, sasl.auth.client_secret **********, sasl.auth.credentials_in body, "
            "sasl.auth.basic_encoding rfc6749, sasl.auth.extra.assertion **********, sasl.auth.refresh_on [401], "
            "sasl.auth.proxy http://proxy.example.com, sasl.auth.kind oauth2_client_credentials, sasl.auth.timeout 5s, "
            "isolation_level read_committed, session_timeout 10s, commit_interval 25ms, "
            "offset_metadata_max_bytes 4096, fetch_max_bytes 256KiB, id_headers [ce_id, id]",
        ),
    ],
)
def test_a_section_is_shown_as_people_would_write_it_and_without_secrets(queue: dict[str, Any], shown: str) -> None:
    settings = Settings.model_validate({"queue": queue})
    assert as_text(settings.queue, Masking(())) == shown
    assert "hunter2" not in json.dumps(planned(loaded(settings)))


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [("http://user:hunter2@tokens.example.com:3128", "http://tokens.example.com:3128"), ("none", "none"), (None, None)],
)
def test_the_way_of_tokens_is_shown_where_it_is_another(proxy: str | None, shown: str | None) -> None:
    auth = {**KAFKA["sasl"]["auth"], "kind": "oauth2_client_credentials", "proxy": proxy}
    settings = Settings.model_validate({"destinations": [{**DESTINATION, "auth": auth}]})
    plan = planned(loaded(settings))
    rows = [[each.label, each.text] for each in _of_destination(plan["destinations"][0]).below]
    assert plan["destinations"][0]["token_proxy"] == shown
    assert ["token proxy", shown] in rows or shown is None
    assert "hunter2" not in json.dumps(plan)


async def test_json_holds_the_same(tmp_path: Path) -> None:
    found = await check(tmp_path, "--json", destinations=[DESTINATION], queue={"kind": "memory"})
    assert (found.code, found.stderr) == (0, "")
    plan = json.loads(found.stdout)
    assert plan["queue"]["kind"] == "memory"
    assert plan["notes"] == []
    assert "connect" not in plan
    [destination] = plan["destinations"]
    assert destination["segments"] == [{"namespace": "ups", "id": "a"}, {"namespace": "aam", "id": "b"}]
    assert destination["triggers"] == ["segment", "identity", "attribute", "backfill"]
    assert destination["delivery"]["retries"] == [15.0, 30.0]
    assert "hunter2" not in found.stdout


async def test_mistakes_end_it_with_78_and_nothing_on_stdout(tmp_path: Path) -> None:
    found = await check(tmp_path, "--connect", destinations=[{**DESTINATION, "endpoint": "htp://x"}], drain=-1)
    assert (found.code, found.stdout) == (78, "")
    assert "exporter.yaml:4: destinations[0].endpoint: a URL must begin with http:// or https://" in found.stderr
    assert "2 mistakes in the configuration" in found.stderr


async def test_a_missing_configuration_is_78(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "check"), cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 78
    assert stderr.decode().startswith("config/exporter.yaml: the file cannot be read: No such file or directory\n")
    assert stderr.decode().splitlines()[-1].startswith("note: --config FILE or EXPORTER_CONFIG names the main file")


async def test_everything_within_reach(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("127.0.0.1", name="server")
    client = authority.sign(name="client")
    demanding = authority.server_context(pair, demand_certificate=True)
    async with (
        serving(listen_only, tls=demanding) as endpoint,
        serving(answer_tokens) as tokens,
        serving(tunnel) as proxy,
    ):
        tls = {
            "ca_file": str(authority.certificate),
            "client_cert_file": str(client.certificate),
            "client_key_file": str(client.key),
        }
        direct = {
            **DESTINATION,
            "endpoint": endpoint.url(scheme="https"),
            "tls": tls,
            "auth": {
                "kind": "oauth2_client_credentials",
                "token_url": tokens.url("/token"),
                "client_id": "exporter",
                "client_secret": "hunter2",
            },
        }
        through = {**DESTINATION, "name": "through", "endpoint": endpoint.url(scheme="https"), "tls": tls}
        through["proxy"] = f"http://user:hunter2@127.0.0.1:{proxy.port}"
        found = await check(tmp_path, "--connect", "--json", destinations=[direct, through])
        assert endpoint.heard == []
        assert [heard.line for heard in tokens.heard] == ["POST /token HTTP/1.1"]
        assert proxy.heard[0].header("proxy-authorization") == "Basic dXNlcjpodW50ZXIy"
        for heard in (tokens.heard[0], proxy.heard[0]):
            assert heard.header("user-agent") == USER_AGENT
            assert heard.header("accept-encoding") == "identity"
    assert {step: ok for step, (ok, _) in found.connect.items()} == {
        (None, "queue"): True,
        (None, "state"): True,
        ("crm", "dns"): True,
        ("crm", "tcp"): True,
        ("crm", "tls"): True,
        ("crm", "token"): True,
        ("through", "proxy dns"): True,
        ("through", "proxy tcp"): True,
        ("through", "proxy"): True,
        ("through", "tls"): True,
    }, found.connect
    assert found.code == 0
    assert found.connect[None, "queue"] == (True, f"{tmp_path.parent}/data/queue.db will be created")
    assert not (tmp_path.parent / "data").exists()
    assert "hunter2" not in found.stdout + found.stderr.replace("plain text", "")


async def test_the_token_is_fetched_on_the_way_of_its_own_and_an_odd_one_is_noted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context(authority.sign("127.0.0.1"))
    body = b'{"access_token": "hunter2", "token_type": "JWT"}'
    odd = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(listen_only) as endpoint, serving(repeats(odd), tls=server) as tokens:
        auth = {
            "kind": "oauth2_client_credentials",
            "token_url": tokens.url("/token", scheme="https"),
            "client_id": "exporter",
            "client_secret": "hunter2",
        }
        for_tokens = {"ca_file": str(authority.certificate)}
        destinations = [
            {**DESTINATION, "name": name, "endpoint": endpoint.url(), "auth": {**auth, "tls": tls}}
            for name, tls in (("own", for_tokens), ("shared", None), ("bad", {"ca_file": __file__}))
        ]
        found = await check(tmp_path, "--connect", "--json", destinations=destinations)
    assert found.connect["own", "token"] == (
        True,
        "the token endpoint gave one; the token endpoint names the token_type JWT; its token is presented as Bearer",
    )
    assert found.connect["shared", "token"][0] is False
    assert "certificate" in found.connect["shared", "token"][1]
    assert found.connect["bad", "token"] == (False, f"{__file__}: no PEM certificate")
    assert found.code == 1
    assert "hunter2" not in found.stdout


async def test_what_is_behind_a_proxy_for_plain_http_is_said_not_to_be_tried(tmp_path: Path) -> None:
    async with serving(listen_only) as proxy:
        through = {**DESTINATION, "endpoint": "http://127.0.0.1:9/", "proxy": f"http://127.0.0.1:{proxy.port}"}
        found = await check(tmp_path, "--connect", "--json", destinations=[through])
        assert proxy.heard == []
    assert [step for step in found.connect if step[0]] == [("crm", "proxy dns"), ("crm", "proxy tcp")]
    assert "the endpoint behind it was not tried" in found.connect["crm", "proxy tcp"][1]


async def test_what_cannot_be_reached_is_said_step_by_step(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    other = Authority(tmp_path, "other authority")
    pair = authority.sign("127.0.0.1", name="server")
    demanding = authority.server_context(pair, demand_certificate=True)
    async with (
        serving(listen_only, tls=demanding) as endpoint,
        serving(refuse_tokens) as tokens,
        serving(ask_for_credentials) as proxy,
        serving(listen_only) as plain,
    ):
        url = endpoint.url(scheme="https")
        trusted, wrong = {"ca_file": str(authority.certificate)}, {"ca_file": str(other.certificate)}
        credentials = {"client_id": "exporter", "client_secret": "hunter2", "token_url": tokens.url("/token")}
        found = await check(
            tmp_path,
            "--connect",
            "--json",
            destinations=[
                {**DESTINATION, "name": "no-name", "endpoint": "https://nowhere.invalid/"},
                {**DESTINATION, "name": "refused", "endpoint": "http://127.0.0.1:1/"},
                {**DESTINATION, "name": "untrusted", "endpoint": url, "tls": wrong},
                {**DESTINATION, "name": "no-certificate", "endpoint": url, "tls": trusted},
                {
                    **DESTINATION,
                    "name": "no-tls",  # it waits for a request, and hears none that it understands
                    "endpoint": plain.url(scheme="https"),
                    "delivery": {"timeout": 1},
                },
                {**DESTINATION, "name": "proxy", "endpoint": url, "proxy": f"http://127.0.0.1:{proxy.port}"},
                {**DESTINATION, "name": "bad-pem", "endpoint": url, "tls": {"ca_file": str(pair.key)}},
                {
                    **DESTINATION,
                    "name": "token",
                    "endpoint": plain.url(),
                    "auth": {"kind": "oauth2_client_credentials", **credentials},
                },
            ],
        )
        assert endpoint.heard == plain.heard == []
    assert found.code == 1
    failed = {step: detail for step, (ok, detail) in found.connect.items() if not ok}
    assert set(failed) == {
        ("no-name", "dns"),
        ("refused", "tcp"),
        ("untrusted", "tls"),
        ("no-certificate", "tls"),
        ("no-tls", "tls"),
        ("proxy", "proxy"),
        ("bad-pem", "tls"),
        ("token", "token"),
    }, failed
    assert failed["refused", "tcp"] == "connection refused"
    assert failed["untrusted", "tls"].startswith("the certificate is not trusted")
    assert failed["proxy", "proxy"] == "the proxy answered 407"
    assert "hunter2" not in found.stdout


async def test_stores_that_are_there_are_opened_and_left_alone(tmp_path: Path) -> None:
    async with serving(listen_only) as endpoint:
        destination = {**DESTINATION, "endpoint": endpoint.url()}
        made = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _MAKE, str(tmp_path / "queue.db"), str(tmp_path / "state.db"))
        )
        assert await asyncio.wait_for(made.wait(), 60) == 0
        stores = {"queue": {"kind": "journal", "path": "queue.db"}, "state": {"kind": "sqlite", "path": "state.db"}}
        found = await check(tmp_path, "--connect", destinations=[destination], **stores)
        assert found.code == 0, found
        assert f"ok      queue: {tmp_path}/queue.db can be used" in found.stdout
        assert "ok      crm: tcp: 127.0.0.1 accepts connections" in found.stdout

        for name in ("queue.db", "state.db"):
            (tmp_path / name).write_bytes(b"these are somebody's notes, no database at all" * 100)
        before = contents(tmp_path)
        found = await check(tmp_path, "--connect", destinations=[destination], **stores)
        assert found.code == 1
        assert "FAILED  queue: " in found.stdout
        assert "FAILED  state: " in found.stdout
        assert contents(tmp_path) == before


def plain_file(locks: Path) -> None:
    locks.write_text("no folder")


def folder_where_a_lock_is(locks: Path) -> None:
    (locks / sha256(b"exporter.crm").hexdigest()[:32]).mkdir(parents=True)


def loop(locks: Path) -> None:
    locks.symlink_to(locks)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(plain_file, "Not a directory"), (folder_where_a_lock_is, "Is a directory"), (loop, "Too many levels")],
)
async def test_locks_that_cannot_be_used_are_the_queues_trouble(
    tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    """``run`` would pause with ``queue`` for ever."""
    make = (sys.executable, "-c", _MAKE, str(tmp_path / "queue.db"), str(tmp_path / "state.db"))
    made = await asyncio.create_subprocess_exec(*make)
    assert await asyncio.wait_for(made.wait(), 60) == 0
    spoil(tmp_path / "queue.db.locks")
    async with serving(listen_only) as endpoint:
        destination = {**DESTINATION, "endpoint": endpoint.url()}
        found = await check(
            tmp_path, "--connect", destinations=[destination], queue={"kind": "journal", "path": "queue.db"}
        )
    assert found.code == 1
    assert "FAILED  queue: the lock of group exporter.crm cannot be used: " in found.stdout
    assert why in found.stdout


_MAKE = """
import asyncio, sys
from hashlib import sha256
from pathlib import Path
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.state.kinds import open_state
from exporter.state.sqlite.settings import SqliteSettings

async def make(queue, state):
    async with open_queue(JournalSettings(path=queue), (), print), open_state(SqliteSettings(path=state)):
        pass

asyncio.run(make(Path(sys.argv[1]), Path(sys.argv[2])))
"""


async def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with serving(listen_only) as endpoint:
        found = await check(
            tmp_path,
            "--connect",
            destinations=[{**DESTINATION, "endpoint": endpoint.url()}],
            queue={"kind": "journal", "path": str(tmp_path / "file" / "queue.db")},
        )
    assert found.code == 1
    assert f"FAILED  queue: {tmp_path / 'file'} cannot be written" in found.stdout


async def test_tracing_is_shown_and_its_collector_is_asked(tmp_path: Path) -> None:
    assert "\ntracing      off\n" in (await check(tmp_path, destinations=[])).stdout
    collector = SpanCollector()
    try:
        tracing = {"otlp_endpoint": collector.url, "sample": 0.5}
        shown = await check(tmp_path, destinations=[], tracing=tracing)
        assert f"\ntracing      otlp_endpoint {collector.url}, sample 0.5\n" in shown.stdout
        assert collector.requests == []
        found = await check(tmp_path, "--connect", "--json", destinations=[], tracing=tracing)
        assert (found.code, collector.spans, len(collector.requests)) == (0, [], 1)
        assert found.connect[None, "collector"] == (True, f"{collector.url}/v1/traces takes spans")
        assert json.loads(found.stdout)["tracing"] == tracing
        collector.status = 401
        found = await check(tmp_path, "--connect", "--json", destinations=[], tracing=tracing)
        assert (found.code, found.connect[None, "collector"][0]) == (1, False)
        assert found.connect[None, "collector"][1] == f"{collector.url}/v1/traces: HTTP 401"
    finally:
        collector.close()
