"""Files whose content is part of the configuration, changed under a daemon: noticed whenever, and never half."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Pair
from endpoints import Mute
from events import Source
from harness import Place, SecretFile
from processes import Daemon, eventually, fetch
from secure_endpoint import SecureEndpoint


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def secure(authority: Authority) -> Iterator[SecureEndpoint]:
    context = authority.server_context(authority.sign("127.0.0.1", name="server"), demand_certificate=True)
    with SecureEndpoint(context) as endpoint:
        yield endpoint


def _put(content: bytes, file: Path) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(content)
    new.replace(file)


def _tls(folder: Path, authority: Authority) -> dict[str, str]:
    return {
        "ca_file": str(authority.certificate),
        "client_cert_file": str(folder / "tls.crt"),
        "client_key_file": str(folder / "tls.key"),
    }


def _version(folder: Path, pair: Pair) -> None:
    folder.mkdir(parents=True)
    (folder / "tls.crt").write_bytes(pair.certificate.read_bytes())
    (folder / "tls.key").write_bytes(pair.key.read_bytes())


def _said(daemon: Daemon, event: str, text: str = "") -> list[dict[str, Any]]:
    """What it logged of this kind, with ``text`` anywhere in it."""
    daemon.alive()
    return [line for line in daemon.logs(event) if text in str(line)]


def test_a_certificate_that_kubernetes_renews_reloads_its_destination_alone(
    tmp_path: Path, authority: Authority, secure: SecureEndpoint
) -> None:
    mount = tmp_path / "mount"
    for name in ("one", "two"):
        _version(mount / name, authority.sign(name=name))
    (mount / "..data").symlink_to("one")
    for name in ("tls.crt", "tls.key"):
        (mount / name).symlink_to(f"..data/{name}")
    with Place(tmp_path) as place:
        other = place.receiver()
        place.destination("crm", secure.url, tls=_tls(mount, authority))
        place.destination("other", other.url)
        place.write()
        source = Source(profiles=5)
        place.publish(source.make(10))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm", "other"))
        assert set(secure.names) == {"one"}
        (mount / "..new").symlink_to("two")
        (mount / "..new").replace(mount / "..data")
        [line] = eventually("it reloads by itself", lambda: _said(daemon, "reloaded"))
        assert (line["changed"], line["same"]) == (["crm"], 1)
        before = len(secure.names)
        place.publish(source.make(10))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm", "other"))
        assert set(secure.names[before:]) == {"two"}
        assert daemon.terminate() == 0


def test_a_certificate_without_its_key_is_refused_until_the_key_is_there(
    tmp_path: Path, authority: Authority, secure: SecureEndpoint
) -> None:
    folder = tmp_path / "tls"
    _version(folder, authority.sign(name="one"))
    renewed = authority.sign(name="two")
    with Place(tmp_path) as place:
        place.destination("crm", secure.url, tls=_tls(folder, authority))
        place.write()
        source = Source(profiles=5)
        daemon = place.daemon().ready()
        _put(renewed.certificate.read_bytes(), folder / "tls.crt")
        [line] = eventually("it says so", lambda: _said(daemon, "reload refused"))
        assert line["reason"] == "certificates cannot be used as they are now; the old ones go on until they can"
        assert line["problems"] == [f"crm: {folder / 'tls.key'}: the key does not belong to the certificate"]
        daemon.send(signal.SIGHUP)
        eventually("it says so when it is asked", lambda: daemon.alive() and len(daemon.logs("reload refused")) == 2)
        place.publish(source.make(10))
        eventually("the old pair goes on", lambda: daemon.alive() and place.settled("crm"))
        assert set(secure.names) == {"one"}
        _put(renewed.key.read_bytes(), folder / "tls.key")
        eventually("it reloads", lambda: _said(daemon, "reloaded"))
        place.publish(source.make(10))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert set(secure.names[10:]) == {"two"}
        assert len(daemon.logs("reload refused")) == 2, "it was said once for each change and each asking"
        assert daemon.terminate() == 0


def test_a_secret_that_changes_while_a_reload_drains_is_taken_over_after_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n", encoding="utf-8")
    mute = Mute()
    with Place(tmp_path) as place, ExitStack() as stack:
        stack.callback(mute.close)
        receiver = place.receiver()
        place.config["drain"] = 600
        hanging = place.destination("hanging", mute.url, delivery={"timeout": 600})
        place.destination("crm", receiver.url, headers={"x-secret": SecretFile(secret)})
        place.write()
        source = Source(profiles=1)
        place.publish(source.make(1))
        daemon = place.daemon().ready()
        eventually("one hangs", lambda: daemon.metric("exporter_in_flight", "hanging"))
        hanging["headers"] = {"x-new": "1"}
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("it drains", lambda: b'"draining"' in fetch(f"http://127.0.0.1:{daemon.port}/status")[1])
        _put(b"two\n", secret)
        stack.close()
        eventually("it reloads twice", lambda: _said(daemon, "reloaded", "'changed': ['crm']"))
        place.publish(source.make(1))
        eventually("it delivers", lambda: receiver.delivered() == 2)
        daemon.stop()
        assert [each.headers["x-secret"] for each in receiver.received()] == ["one", "two"]


def test_a_secret_that_changes_while_the_daemon_starts_is_taken_over_when_it_has(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n", encoding="utf-8")
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url, headers={"x-secret": SecretFile(secret)})
        place.write()
        source = Source(profiles=1)
        place.publish(source.make(1))
        place.daemon().ready().kill()
        with closing(sqlite3.connect(place.folder / "state.db", isolation_level=None)) as holder:
            holder.execute("PRAGMA locking_mode = EXCLUSIVE")
            holder.execute("BEGIN EXCLUSIVE")
            daemon = place.daemon()
            eventually("it waits", lambda: _said(daemon, "waiting"))
            _put(b"two\n", secret)
            holder.execute("ROLLBACK")
        daemon.ready()
        eventually("it reloads", lambda: _said(daemon, "reloaded"))
        place.publish(source.make(1))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        assert receiver.received()[-1].headers["x-secret"] == "two"


def test_a_pipe_in_place_of_a_secret_stops_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n", encoding="utf-8")
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url, headers={"x-secret": SecretFile(secret)})
        place.write()
        source = Source(profiles=1)
        daemon = place.daemon().ready()
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "pipe").replace(secret)
        [line] = eventually("it says so", lambda: _said(daemon, "reload refused"))
        [problem] = line["problems"]
        assert f"the file {secret} cannot be read: it is no regular file" in problem
        assert fetch(f"http://127.0.0.1:{daemon.port}/live")[0] == 200
        place.publish(source.make(1))
        eventually("it goes on", lambda: daemon.alive() and place.settled("crm"))
        _put(b"two\r\n", secret)
        eventually("it reloads", lambda: _said(daemon, "reloaded"))
        place.publish(source.make(1))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        assert [each.headers["x-secret"] for each in receiver.received()] == ["one", "two"]
