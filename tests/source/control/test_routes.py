"""The table of the control plane: the most exact row answers, and variables are what the path says."""

from __future__ import annotations

import pytest

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.control.request import Request, query_of
from exporter.source.control.routes import Found, OtherMethods, Reads, Route, Routes
from exporter.source.tokens.verdicts import Tokens, Verdict


async def _reply(_: Request) -> Answer:
    return Answer(200, b"{}")


QUERY = dict.fromkeys(("limit", "property"), "")


def route(method: str, path: str, name: str = "", *, reads: Reads = Reads.NOTHING, guarded: bool = True) -> Route:
    return Route(method, path, name or f"{method} {path}", "", _reply, reads, query=QUERY, guarded=guarded)


ROUTES = Routes(
    [
        route("GET", "/a/flows"),
        route("POST", "/a/flows", reads=Reads.JSON),
        route("GET", "/a/flows/{id}"),
        route("POST", "/a/flows/{id}/action"),
        route("POST", "/a/flows/validate"),
        route("POST", "/token", reads=Reads.FORM, guarded=False),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/a/flows", ("/a/flows", {})),
        ("GET", "/a/flows/", ("/a/flows", {})),
        ("GET", "/a/flows/1", ("/a/flows/{id}", {"id": "1"})),
        ("GET", "/a/flows/https%3A%2F%2Fx%2Fy/", ("/a/flows/{id}", {"id": "https://x/y"})),
        ("POST", "/a/flows/1/action", ("/a/flows/{id}/action", {"id": "1"})),
        ("POST", "/a/flows/validate", ("/a/flows/validate", {})),
        ("GET", "/a/flows/%7B%7D", ("/a/flows/{id}", {"id": "{}"})),
    ],
)
def test_a_path_finds_its_row(method: str, path: str, expected: tuple[str, dict[str, str]]) -> None:
    found = ROUTES.find(method, path)
    assert isinstance(found, Found)
    assert (found.route.path, found.ids) == expected


@pytest.mark.parametrize("path", ["", "/", "/a", "/a/flows/1/2", "/a/flows//action", "/a//flows", "/A/flows"])
def test_other_paths_find_nothing(path: str) -> None:
    assert ROUTES.find("GET", path) is None


def test_other_methods_are_named() -> None:
    assert ROUTES.find("PUT", "/a/flows") == OtherMethods(("GET", "POST"))


def test_rows_that_answer_the_same_are_a_bug() -> None:
    for rows in (
        [route("GET", "/{a}"), route("GET", "/{b}", "other")],
        [route("GET", "/a"), route("GET", "/b", "GET /a")],
    ):
        with pytest.raises(ValueError, match="two routes"):
            Routes(rows)


class _Anybody(Tokens):
    """Judges every token good."""

    def known(self, token: str) -> Verdict:
        return Verdict.GOOD

    async def judge(self, token: str) -> Verdict:
        return Verdict.GOOD

    def client(self, token: str) -> str:
        return ""


async def _answer(
    method: str, path: str, body: bytes = b"", *, query: str = "", tokens: bool = False, **headers: str
) -> tuple[int, bytes]:
    async def read() -> bytes:
        return body

    if tokens:
        headers |= {"authorization": "Bearer x", "x-api-key": "k", "x-gw-ims-org-id": "o"}
    plane = ControlPlane(Gateway(_Anybody if tokens else None, (), (), ("prod",)), ROUTES)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await plane.answer(RequestHead(method, path, query, named), read)
    return answer.status, answer.body


async def test_a_body_says_what_it_is() -> None:
    assert await _answer("POST", "/a/flows", b"{}", content_type="application/json") == (200, b"{}")
    assert await _answer("POST", "/a/flows") == (200, b"{}")
    assert await _answer("POST", "/token", b"a=b") == (200, b"{}")
    assert await _answer("GET", "/a/flows", b"{}") == (200, b"{}")
    assert await _answer("POST", "/a/flows", b"{}") == (200, b"{}")
    assert await _answer("POST", "/a/flows", b"{}", tokens=True, content_type="text/plain") == (200, b"{}")
    status, body = await _answer("POST", "/a/flows", b"{}", tokens=True)
    assert status == 400
    assert b"BadRequestError" in body


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "identity, gzip"])
async def test_a_body_comes_as_it_is(coding: str) -> None:
    for path in ("/a/flows", "/token"):
        status, body = await _answer("POST", path, b"{}", content_encoding=coding)
        assert (status, b'"errorCode":"1415-415"' in body, b"identity" in body) == (415, True, True)
    assert await _answer("POST", "/a/flows", b"{}", content_encoding="Identity") == (200, b"{}")
    assert await _answer("GET", "/a/flows", content_encoding=coding) == (200, b"{}")


async def test_a_header_that_is_missing_is_named() -> None:
    plane = ControlPlane(Gateway(_Anybody, (), (), ("prod",)), ROUTES)

    async def read() -> bytes:
        return b""

    answer = await plane.answer(
        RequestHead("GET", "/a/flows", "", {"authorization": "Bearer x", "x-api-key": "k"}), read
    )
    assert b"Missing header: x-gw-ims-org-id" in answer.body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b" ", "The body is empty"),
        (b'{"a": NaN}', "expected a JSON value: line 1 column 7"),
        (b'"\\ud800"', "no low surrogate in string"),
        (b'"\xff"', "is not valid UTF-8"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels"),
    ],
)
def test_what_is_no_json_says_why(body: bytes, words: str) -> None:
    answer = Request(RequestHead("POST", "/"), body=body).json()
    assert isinstance(answer, Answer)
    assert words in answer.body.decode()


async def test_what_can_be_meant_once_is_said_once() -> None:
    status, body = await _answer("GET", "/a/flows", query="limit=1&property=a==b&limit=1")
    assert (status, b'"1400-400"' in body, b"limit" in body) == (400, True, True)
    assert await _answer("GET", "/a/flows", query="property=a==b&limit=1&property=c==d&of=x&of=y") == (200, b"{}")


async def test_only_open_rows_pass_the_gateway() -> None:
    assert (await _answer("POST", "/token", x_sandbox_name="lost"))[0] == 200
    assert (await _answer("GET", "/a/flows", x_sandbox_name="lost"))[0] == 404


def test_what_a_query_says() -> None:
    request = Request(
        RequestHead("GET", "/"), query=query_of(RequestHead("GET", "/", "p=a%3D%3Db&p=c&count=False&n=7&m=-1"))
    )
    assert list(request.all("p")) == ["a==b", "c"]
    assert (request.one("p"), request.one("q", "-")) == ("a==b", "-")
    assert (request.flag("count"), request.flag("other", default=True)) == (False, True)
    assert (request.number("n", 1, 1, 100), request.number("x", 20, 1, 100)) == (7, 20)
    for answer in (request.flag("p"), request.number("m", 1, 0, 9), request.number("n", 1, 1, 6)):
        assert isinstance(answer, Answer)
        assert answer.status == 400
