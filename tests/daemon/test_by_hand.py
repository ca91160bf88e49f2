"""Who may pause, resume and probe over the ops port and the socket, and what comes of it (contract.md#operation)."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter.daemon.ops.actions import ActionResult, Actions, Done, NotDone
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.by_hand import WHY_LENGTH
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.port import serve
from exporter.sections.section import Secret
from exporter.state.letter import Filter
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, Health

TOKEN = Secret.of("öpen sesame")
BEARER = {"Authorization": "Bearer öpen sesame"}


class Told:
    """Notes what is asked for; answers ``result``."""

    def __init__(self, result: ActionResult) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._result = result

    async def pause(self, name: str, why: str, by: str = "") -> ActionResult:
        self.asked.append(("pause", name, why, *([by] if by else [])))
        return self._result

    async def resume(self, name: str) -> ActionResult:
        self.asked.append(("resume", name))
        return self._result

    async def probe(self, name: str) -> ActionResult:
        self.asked.append(("probe", name))
        return self._result

    async def test(self, name: str) -> ActionResult:
        self.asked.append(("test", name))
        return self._result

    async def replay(self, which: Filter, *, superseded: bool) -> ActionResult:
        self.asked.append(("replay", repr(which), *(["superseded"] if superseded else [])))
        return self._result


class Place:
    """A port and a socket that answer from one desk."""

    def __init__(self, port: int, path: Path, log: io.StringIO) -> None:
        self._port = port
        self._path = path
        self._log = log

    def logged(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return [{key: value for key, value in line.items() if key not in ("timestamp", "level")} for line in lines]

    async def port(self, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> tuple[int, Any]:
        return await _posted(aiohttp.TCPConnector(), f"http://127.0.0.1:{self._port}{path}", headers, more)

    async def got(self, path: str, headers: Mapping[str, str]) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self._port}{path}", headers=headers) as answer,
        ):
            return answer.status

    async def socket(self, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> tuple[int, Any]:
        return await _posted(aiohttp.UnixConnector(str(self._path)), f"http://localhost{path}", headers, more)


async def _posted(
    connector: aiohttp.BaseConnector, url: str, headers: Mapping[str, str] | None, more: Any
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(url, headers=headers, **more) as answer,
    ):
        return answer.status, json.loads(await answer.read())


@asynccontextmanager
async def place(
    folder: Path, actions: Actions | None, token: Secret | None = None, hosts: Sequence[str] = ()
) -> AsyncIterator[Place]:
    log = io.StringIO()
    desk = Desk(
        Metrics(), lambda: Health(True), lambda: document(0.0, ConfigStatus(), ()), configure(log, False), actions
    )
    path = folder / "s"
    async with serve("127.0.0.1", 0, desk, token, hosts) as port, serve_locally([path], desk):
        yield Place(port, path, log)


async def test_the_socket_needs_no_token_and_each_action_is_one_line_in_the_log(tmp_path: Path) -> None:
    told = Told(Done("as it is asked"))
    async with place(tmp_path, told) as there:
        done = {"destination": "crm", "done": True, "detail": "as it is asked"}
        answer = await there.socket("/destinations/crm/pause", json={"why": " they are\nmoving "})
        assert answer == (200, done | {"action": "pause"})
        assert await there.socket("/destinations/crm/resume") == (200, done | {"action": "resume"})
        assert await there.socket("/destinations/crm/probe") == (200, done | {"action": "probe"})
    assert told.asked == [("pause", "crm", "they are\\nmoving"), ("resume", "crm"), ("probe", "crm")]
    assert there.logged() == [
        {"event": "action", "action": action, "by": "socket", **done} for action in ("pause", "resume", "probe")
    ]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (NotDone("unknown", "no such destination"), 404),
        (NotDone("not_now", "nothing is in hand"), 409),
        (NotDone("unavailable", "the state is away"), 503),
        (NotDone("unsupported", "not here"), 501),
    ],
)
async def test_what_is_not_done_says_why(tmp_path: Path, refused: NotDone, status: int) -> None:
    async with place(tmp_path, Told(refused)) as there:
        code, told = await there.socket("/destinations/crm/probe")
    assert (code, told["done"], told["reason"], told["detail"]) == (status, False, refused.reason, refused.detail)
    assert [line["done"] for line in there.logged()] == [False]


async def test_a_process_that_takes_no_actions_says_so(tmp_path: Path) -> None:
    async with place(tmp_path, None) as there:
        assert (await there.socket("/destinations/crm/pause"))[0] == 501


async def test_the_port_acts_for_nobody_without_a_token(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told) as there:
        for headers in ({}, BEARER, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            code, answer = await there.port("/destinations/crm/pause", headers)
            assert code == 403
            assert "ops.token" in answer["error"]
    assert (told.asked, there.logged()) == ([], [])


async def test_the_port_acts_for_whoever_has_the_token(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told, TOKEN) as there:
        wrong = ("Bearer", "Bearer öpen", "Basic öpen sesame", "Bearer öpen sesame2", "öpen sesame")
        for headers in ({}, *({"Authorization": each} for each in wrong)):
            code, answer = await there.port("/destinations/crm/pause", headers)
            assert code == 401
            assert "sesame" not in str(answer)
        assert told.asked == []
        assert (await there.port("/destinations/crm/pause", BEARER))[0] == 200
        assert (await there.port("/destinations/crm/resume", {"Authorization": "bearer öpen sesame"}))[0] == 200
    assert told.asked == [("pause", "crm", ""), ("resume", "crm")]
    refused, acted = there.logged()[:6], there.logged()[6:]
    assert {line["event"] for line in refused} == {"token refused"}
    assert [line["by"] for line in acted] == ["token", "token"]
    assert "sesame" not in str(there.logged())


async def test_no_page_of_a_browser_may_act(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told, TOKEN) as there:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:9"):
            status, said = await there.port("/destinations/crm/pause", BEARER | {"Origin": origin})
            assert (status, said) == (403, {"error": "a page of another origin may not act here"})
    assert (told.asked, there.logged()) == ([], [])


FOREIGN = (
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "me@localhost",
    "127.0.0.1.nip.io",
)
OWN = (
    "localhost",
    "LOCALHOST:9464",
    "127.0.0.1:1",
    "10.1.2.3",
    "[::1]:9464",
    "ops.example.com:9464",
    "Ops.Example.com.",
)


async def test_the_port_acts_by_its_own_names_only(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told, TOKEN, ["ops.example.com"]) as there:
        for host in FOREIGN:
            status, said = await there.port("/destinations/crm/resume", BEARER | {"Host": host})
            assert (status, told.asked) == (403, []), host
            assert f"does not act as {host}: ask it by an address, or add the name to ops.hosts" in said["error"]
            assert await there.got("/live", {"Host": host}) == 200
        for host in OWN:
            assert (await there.port("/destinations/crm/resume", BEARER | {"Host": host}))[0] == 200, host
            of_its_own = {"Host": host, "Origin": f"https://{host}"}
            assert (await there.port("/destinations/crm/resume", BEARER | of_its_own))[0] == 200, host
            assert (await there.port("/destinations/crm/resume", {"Host": host}))[0] == 401, host


async def test_the_socket_looks_at_no_names(tmp_path: Path) -> None:
    async with place(tmp_path, Told(Done("done")), TOKEN) as there:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            assert (await there.socket("/destinations/crm/resume", headers))[0] == 200


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"data": b"{"}, 400),
        ({"data": b"[]"}, 400),
        ({"json": {"why": 5}}, 400),
        ({"json": {"why": "x" * (WHY_LENGTH + 1)}}, 400),
        ({"json": {"why": "x" * 5000}}, 413),
    ],
)
async def test_an_odd_body_does_nothing(tmp_path: Path, more: dict[str, Any], status: int) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told) as there:
        assert (await there.socket("/destinations/crm/pause", **more))[0] == status
    assert told.asked == []


async def test_a_name_from_outside_stays_one_line(tmp_path: Path) -> None:
    async with place(tmp_path, Told(NotDone("unknown", "no such destination"))) as there:
        await there.socket("/destinations/a%0Ab/pause")
    assert [line["destination"] for line in there.logged()] == ["a\\nb"]


async def test_only_a_post_acts(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with (
        place(tmp_path, told),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(tmp_path / "s"))) as session,
        session.get("http://localhost/destinations/crm/pause") as answer,
    ):
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert told.asked == []


async def test_a_replay_says_which_letters_and_has_their_numbers(tmp_path: Path) -> None:
    told = Told(Done("asked for", {"asked": 2, "leftOut": 1, "missing": 0}))
    async with place(tmp_path, told, TOKEN) as there:
        wanted = {"ids": [3, 4], "destination": "crm", "reason": "rejected", "profileId": "p", "superseded": True}
        status, said = await there.socket("/deadletters/replay", json=wanted)
        assert (status, said["done"], said["asked"], said["leftOut"], said["missing"]) == (200, True, 2, 1, 0)
        assert (await there.port("/deadletters/replay", json=wanted))[0] == 401
        wrongs: tuple[Any, ...] = (
            {},
            {"idz": [3]},
            {"ids": ["3"]},
            {"ids": [2**64]},
            {"ids": [-1]},
            {"reason": "none"},
            [],
            "x",
        )
        for wrong in wrongs:
            assert (await there.socket("/deadletters/replay", json=wrong))[0] == 400, wrong
        assert (await there.socket("/deadletters/replay", json={"all": True}))[0] == 200
    assert told.asked == [
        ("replay", repr(Filter(ids=(3, 4), destination="crm", reason="rejected", profile_id="p")), "superseded"),
        ("replay", repr(Filter())),
    ]


async def test_a_body_in_another_coding_than_it_says_is_a_mistake(tmp_path: Path) -> None:
    told = Told(Done("done"))
    async with place(tmp_path, told, TOKEN) as there:
        for coding in ("gzip", "deflate"):
            headers = {**BEARER, "Content-Encoding": coding}
            code, answer = await there.port("/destinations/crm/pause", headers, data=b"this is none")
            assert (code, "Content-Encoding" in str(answer)) == (400, True)
    assert told.asked == []
