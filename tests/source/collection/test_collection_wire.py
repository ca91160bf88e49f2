"""Bytes in, bytes out: what the data plane answers over a real socket, on both event loops."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from data_plane import DISABLED, LOCKED, NAME, NOW, OPEN, ORG, Got, answers, converse, post, served, undated

pytestmark = pytest.mark.usefixtures("either_loop")

PATH = f"/collection/{OPEN.id}"
OK = f'{{"inletId":"{OPEN.id}","xactionId":"{NAME}","receivedTimeMs":{NOW}}}'.encode()
CHUNKED = "Transfer-Encoding: chunked"


def chunks(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def line(method: str, path: str = PATH, *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


async def test_an_answer_to_the_byte() -> None:
    async with served() as plane:
        data = await converse(plane.port, post(b'{"a":1}', "Connection: close"))
    assert b"\r\nDate: " in data
    assert undated(data) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(OK), OK)
    )
    (kept,) = plane.intake.kept
    assert (kept.record.body, kept.record.flow, kept.record.dataset) == (b'{"a":1}', "flow-mapped", "dataset-1")


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        pytest.param(post(), [200], id="a length"),
        pytest.param(post(path=PATH + "/"), [200], id="trailing slash"),
        pytest.param(post(path="/data/foundation/import" + PATH), [200], id="platform host"),
        pytest.param(post(path="http://x.example:8085" + PATH), [200], id="absolute form"),
        pytest.param(post() + post() + post(), [200, 200, 200], id="pipelined"),
        pytest.param(b"\r\n\r\n" + post(), [200], id="empty lines before"),
        pytest.param(post(chunks(b'{"a"', b":1}"), CHUNKED, length=False) + post(), [200, 200], id="chunks"),
        pytest.param(
            post(b"7;a=b\r\n" + b'{"a":1}\r\n0\r\nX: y\r\n\r\n', CHUNKED, length=False), [200], id="extension, trailer"
        ),
        pytest.param(post(gzip.compress(b'{"a":1}', mtime=0), "Content-Encoding: gzip"), [200], id="gzip"),
        pytest.param(post(zlib.compress(b'{"a":1}'), "Content-Encoding: deflate"), [200], id="deflate"),
        pytest.param(
            post(zlib.compress(b'{"a":1}')[2:-4], "Content-Encoding: deflate"), [200], id="deflate without wrap"
        ),
        pytest.param(post(b'{"a":1}', "Content-Type: Application/JSON; charset=utf-8"), [200], id="content type"),
        pytest.param(post(b'{"a":1}', "Connection: Upgrade", "Upgrade: h2c"), [200], id="an upgrade is not taken"),
        pytest.param(post(b'{"a":1}', "Content-Encoding: identity"), [200], id="identity"),
        pytest.param(line("GET") + post(), [405, 200], id="405 goes on"),
        pytest.param(line("PUT", PATH, "Content-Length: 3") + b"abc" + post(), [405, 200], id="405 drops the body"),
        pytest.param(line("PUT", PATH, CHUNKED) + chunks(b"ab", b"c") + post(), [405, 200], id="405 drops chunks"),
        pytest.param(line("OPTIONS"), [405], id="no cors"),
        pytest.param(line("GET", "/x") + line("GET", "/collection/validate") + line("POST", "/"), [404] * 3, id="404"),
        pytest.param(post(path="/collection/" + "A" * 64), [404], id="inlets as written"),
        pytest.param(post(path=f"/collection/{DISABLED.id}"), [403], id="disabled"),
        pytest.param(post(b"", "Content-Type: application/x-www-form-urlencoded"), [415], id="form"),
        pytest.param(post(b"{}", "Content-Type: application/x-jackson-smile"), [415], id="smile"),
        pytest.param(post(b"{}", "Content-Encoding: br"), [415], id="br"),
        pytest.param(post(b"{}", "Content-Encoding: gzip, gzip"), [415], id="twice"),
        pytest.param(post(gzip.compress(b'{"a":1}', mtime=0)[:-3], "Content-Encoding: gzip"), [400], id="gzip cut off"),
        pytest.param(post(gzip.compress(b"{}", mtime=0) + b"x", "Content-Encoding: gzip"), [400], id="gzip goes on"),
        pytest.param(post(zlib.compress(b"{}")[:-1], "Content-Encoding: deflate"), [400], id="deflate cut off"),
        pytest.param(post(b""), [400], id="nothing"),
        pytest.param(post(b"", length=False), [400], id="no length is no body"),
        pytest.param(post(b"[1]"), [400], id="no object"),
        pytest.param(post(b'{"a":') + post(), [400, 200], id="no json"),
        pytest.param(post(b'{"a":"\xff"}'), [400], id="no utf-8"),
        pytest.param(post(b"{}", version="1.0"), [200], id="http/1.0"),
        pytest.param(post(b"{}", "Connection: keep-alive", version="1.0") * 2, [200, 200], id="http/1.0 that stays"),
        pytest.param(post(b"{}", version="1.0") * 2, [200], id="http/1.0 ends"),
        pytest.param(post(b"{}", "Connection: close") * 2, [200], id="close ends"),
        pytest.param(post(b"", "Connection: Close") * 2, [400], id="close ends without a body"),
        pytest.param(post(b"", "Connection: a, keep-alive", version="1.0") * 2, [400, 400], id="no body, http/1.0"),
        pytest.param(post(b"{}", CHUNKED), [400], id="both lengths"),
        pytest.param(post(b"{}", "Content-Length: 2"), [400], id="two lengths"),
        pytest.param(post(b"{}", "Content-Length: +2", length=False), [400], id="no number"),
        pytest.param(post(chunks(b"{}"), "Transfer-Encoding: gzip, chunked", length=False), [400], id="coding"),
        pytest.param(post(chunks(b"{}"), CHUNKED, length=False, version="1.0"), [400], id="chunks in 1.0"),
        pytest.param(post(b"g\r\n", CHUNKED, length=False), [400], id="bad size"),
        pytest.param(post(b"-1\r\n", CHUNKED, length=False), [400], id="negative size"),
        pytest.param(post(b"2\r\n{}xx", CHUNKED, length=False), [400], id="bad chunk end"),
        pytest.param(post(b"2\n{}\n0\n\n", CHUNKED, length=False), [400], id="bare line feeds in chunks"),
        pytest.param(post(b"2\r\n{}\r\n0\r\nno field\r\n\r\n", CHUNKED, length=False), [400], id="bad trailer"),
        pytest.param(post(b"2;" + b"x" * 2000, CHUNKED, length=False), [400], id="long extension"),
        pytest.param(post(b"{}", "X: a\r\n b"), [400], id="obs-fold"),
        pytest.param(post(b"{}", "X : a"), [400], id="blank before the colon"),
        pytest.param(post(b"{}", "X: a\nY: b"), [400], id="bare line feed"),
        pytest.param(post(b"{}", "X: a\rb"), [400], id="bare carriage return"),
        pytest.param(post(b"{}", "X: a\0b"), [400], id="nul"),
        pytest.param(post(b"{}", "Host: y"), [400], id="two hosts"),
        pytest.param(post(b"{}").replace(b"Host: x\r\n", b""), [400], id="no host"),
        pytest.param(post(b"{}", version="2.0"), [505], id="version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", [400], id="tls"),
        pytest.param(line("FROB"), [501], id="method"),
        pytest.param(post(b"{}", "Expect: 101-nothing"), [417], id="expectation"),
        pytest.param(post(b"{}", *[f"X{n}: y" for n in range(99)]), [431], id="fields"),
        pytest.param(post(b"{}", *[f"X{n}: y" for n in range(98)]), [200], id="fewer fields"),
        pytest.param(post(b"{}", "X: " + "y" * 16384), [431], id="long head"),
        pytest.param(b"GET /" + b"x" * 17000, [431], id="endless line"),
        pytest.param(post(b"{}", f"X: {'y' * 16100}"), [200], id="nearly too long"),
    ],
)
async def test_what_a_request_is_answered(request_bytes: bytes, statuses: list[int]) -> None:
    async with served() as plane:
        found = answers(await converse(plane.port, request_bytes))
    assert [each.status for each in found] == statuses
    assert len(plane.intake.kept) == statuses.count(200)
    assert plane.faults == []
    assert [each.status for each in plane.answered] == statuses


async def one(request_bytes: bytes, *, heads: bool = False, **changes: object) -> Got:
    async with served(**changes) as plane:  # type: ignore[arg-type]  # changes of the plane
        (found,) = answers(await converse(plane.port, request_bytes), heads=heads)
    return found


async def test_head_is_answered_without_a_body() -> None:
    found = await one(line("HEAD"), heads=True)
    assert (found.status, found.headers["allow"], found.body) == (405, "POST", b"")
    assert int(found.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(line("GET", PATH, "Connection: close"), id="405"),
        pytest.param(line("OPTIONS", PATH, "Connection: Keep-Alive, Close"), id="405, of several options"),
        pytest.param(line("GET", "/nothing", "connection: close"), id="404"),
        pytest.param(line("POST", PATH, "Connection: close", "Content-Length: 0"), id="400"),
        pytest.param(b"GET /nothing HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
    ],
)
async def test_a_connection_that_is_not_wanted_any_more_ends_also_without_a_body(request_bytes: bytes) -> None:
    async with served() as plane:
        (found,) = answers(await converse(plane.port, request_bytes + post()))
    assert found.headers["connection"] == "close"


async def test_options_where_no_origin_is_configured_is_like_any_other_method() -> None:
    found = await one(line("OPTIONS", PATH, "Origin: https://a.example", "Access-Control-Request-Method: POST"))
    assert (found.status, found.headers["allow"]) == (405, "POST")
    assert not any(name.startswith("access-control-") for name in found.headers)
    problem = json.loads(found.body)
    assert (problem["status"], problem["title"]) == (405, "Method Not Allowed")


async def test_cors() -> None:
    preflight = await one(line("OPTIONS", PATH, "Origin: https://a.example"), cors=("https://a.example",))
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "https://a.example"
    assert preflight.headers["access-control-allow-methods"] == "POST"
    foreign = await one(line("OPTIONS", PATH, "Origin: https://b.example"), cors=("https://a.example",))
    assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (204, False)
    for body in (b"{}", b"no json"):
        sent = await one(post(body, "Origin: https://a.example"), cors=("https://a.example",))
        assert sent.headers["access-control-allow-origin"] == "https://a.example"
    locked = await one(
        post(b"{}", "Origin: https://a.example", path=f"/collection/{LOCKED.id}"), cors=("https://a.example",)
    )
    assert (locked.status, locked.headers["access-control-allow-origin"]) == (401, "https://a.example")
    assert (await one(post(b"{}", "Origin: x"), cors=("*",))).headers["access-control-allow-origin"] == "*"


async def test_a_token_that_is_missing_to_the_byte() -> None:
    found = await one(post(path=f"/collection/{LOCKED.id}"))
    assert found.body == (
        b'{"type":"https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization","status":"401",'
        b'"title":"Authorization","report":{"message":"[' + LOCKED.id.encode() + b'] Ims service token is empty"}}'
    )
    assert (found.status, found.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("good", 200, b""),
        ("Bearer good", 200, b""),
        ("bearer  fetch-good", 200, b""),
        ("Bearer expired", 401, b"is expired"),
        ("Bearer other", 401, b"is invalid"),
        ("fetch-other", 401, b"is invalid"),
        ("Bearer away", 503, b"cannot be had now"),
    ],
)
async def test_tokens(token: str, status: int, words: bytes) -> None:
    async with served() as plane:
        request = post(b"{}", f"Authorization: {token}", path=f"/collection/{LOCKED.id}")
        found = answers(await converse(plane.port, request + request))
    assert [each.status for each in found] == [status] * 2
    assert words in found[0].body
    assert [kept.record.authenticated for kept in plane.intake.kept] == [True] * (2 if status == 200 else 0)


async def test_a_good_token_marks_what_needs_none() -> None:
    async with served() as plane:
        for token in ("good", "other", "fetch-good"):
            await converse(plane.port, post(b"{}", f"Authorization: Bearer {token}"))
    assert [kept.record.authenticated for kept in plane.intake.kept] == [True, False, False]


async def test_a_body_that_is_too_large() -> None:
    async with served(max_body=1000) as plane:
        for request in (
            post(b"x" * 1001),
            post(b"", "Content-Length: 1000000", length=False),
            post(chunks(b"x" * 600, b"x" * 600), CHUNKED, length=False),
            post(gzip.compress(b" " * 1001, mtime=0), "Content-Encoding: gzip"),
            post(zlib.compress(b" " * 100_000), "Content-Encoding: deflate"),
        ):
            (found,) = answers(await converse(plane.port, request, end=False))
            assert (found.status, found.headers["connection"]) == (413, "close")
        (found,) = answers(await converse(plane.port, post(b'{"a":"%b"}' % (b"x" * 992))))
        assert found.status == 200


async def test_a_client_that_still_sends_hears_why_it_is_refused() -> None:
    async with served(max_body=1000) as plane:
        data = await converse(plane.port, post(b"x" * 3_000_000), end=False)
    assert [each.status for each in answers(data)] == [413]


async def test_expect_continue() -> None:
    expecting = "Expect: 100-continue"
    async with served(max_body=1000) as plane:
        request = post(b'{"a":1}', expecting)
        head, body = request[:-7], request[-7:]
        data = await converse(plane.port, head, body)
        assert data.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert (await converse(plane.port, request)).startswith(b"HTTP/1.1 200 OK\r\n")
        for decided, status in (
            (post(b"", expecting, "Content-Length: 5000", length=False), 413),
            (post(b"", expecting, "Content-Length: 5", path="/collection/x", length=False), 404),
            (post(b"", expecting, "Content-Length: 5", path=f"/collection/{LOCKED.id}", length=False), 401),
        ):
            (found,) = answers(await converse(plane.port, decided, end=False))
            assert (found.status, found.headers["connection"]) == (status, "close")


async def test_the_problem_of_a_wrong_organisation_to_the_byte() -> None:
    found = await one(post(b'{"header":{"flowId":"flow-mapped","imsOrgId":"B@AdobeOrg"},"body":{}}'))
    assert found.body == (
        b'{"type":"http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet","status":400,'
        b'"title":"Invalid XDM Message Format","report":{"message":"inletId: ['
        + OPEN.id.encode()
        + b"] imsOrgId: ["
        + ORG.encode()
        + b'] Message has an absent or wrong ims org in the header"}}'
    )


async def test_a_fault_of_ours() -> None:
    async with served() as plane:
        (found,) = answers(await converse(plane.port, post(b'{"bug":1}', path=PATH + "?syncValidation=true")))
        assert (found.status, b"RuntimeError" in found.body) == (500, False)
        assert [str(fault) for fault in plane.faults] == ["a bug"]
        assert plane.listener.memory.used == 0
