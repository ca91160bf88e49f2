"""What goes out, read by a strict parser: nothing that data or configuration says can change a request's shape."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import OK, Peer, repeats, serving
from pydantic import ValidationError
from strict_request import Strict, read_strictly
from transport_contract import Opening

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.profile.export_headers import idempotency_key, position_value
from exporter.settings.destination import Destination
from exporter.settings.headers import RESERVED
from exporter.settings.presented_secrets import prepare
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportKind, TransportOptions
from exporter.transport.port import Transport

NAMES = st.text(st.sampled_from("!#$%&'*+.^_`|~0129AZaz-"), min_size=1, max_size=20).filter(
    lambda name: name.lower() not in RESERVED | {"content-type", "accept-encoding", "user-agent", "authorization"}
)
ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=50)
LATIN_1 = st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=50)
UNFIT = st.sampled_from(["\r", "\n", "\r\n", "\0", "\r\nX-Injected: 1", "\r\n\r\n", "\u0100", "\u2028", "\U0001f600"])


def headers(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    drawn = st.lists(st.tuples(NAMES, values), max_size=6, unique_by=lambda header: header[0].lower())
    return drawn.map(dict)


class Line:
    """A transport that is open for a whole test, and a server that reads what it sends strictly."""

    def __init__(self, kind: TransportKind) -> None:
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._kind = kind
        self._heard: list[Strict] = []
        self.port = 0
        self._transport: Transport
        self._runner.run(self._begin())

    async def _begin(self) -> None:
        server = await self._open.enter_async_context(serving(self._answers))
        self.port = server.port
        opening = open_transport(self._kind, TransportOptions(timeout_seconds=10.0, concurrency=1))
        self._transport = await self._open.enter_async_context(opening)

    async def _answers(self, peer: Peer) -> None:
        data = b""
        while piece := await peer.reader.read(65536):
            data += piece
            request = read_strictly(data)
            if request is not None:
                self._heard.append(request)
                data = b""
                await peer.send(OK)

    def send(self, request: Request) -> Strict:
        """What the server read; that it was not strict would end the connection, and there would be no answer."""
        self._heard.clear()
        outcome: Outcome = self._runner.run(self._transport.send(request))
        assert isinstance(outcome, Answer), outcome
        (heard,) = self._heard
        return heard

    def close(self) -> None:
        self._runner.run(self._open.aclose())
        self._runner.close()


@pytest.fixture(params=["lean", "aiohttp"])
def kind(request: pytest.FixtureRequest) -> TransportKind:
    chosen: TransportKind = request.param
    return chosen


@pytest.fixture
def line(kind: TransportKind) -> Iterator[Line]:
    opened = Line(kind)
    yield opened
    opened.close()


@pytest.mark.filterwarnings("error")
def test_a_request_is_what_was_configured_and_nothing_else(line: Line, kind: TransportKind) -> None:
    # aiohttp encodes what is not ASCII as UTF-8, which is why the settings leave that to lean.
    values = LATIN_1 if kind == "lean" else ASCII

    @settings(max_examples=150)
    @given(
        configured=headers(values),
        query=st.one_of(
            st.dictionaries(
                st.text(max_size=9), st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20), max_size=4
            ),
            st.text(
                st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='#"<>\\^`{}'), max_size=30
            ),
        ),
        path=st.sampled_from(["", "/", "/a%2Fb", "/profiles?x=1", "/?", "/a|b;c,d"]),
        token=st.none() | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40),
        event=st.text(max_size=60),
        lane=st.text(max_size=20),
        body=st.binary(max_size=2000),
    )
    def holds(
        configured: dict[str, str],
        query: dict[str, str] | str,
        path: str,
        token: str | None,
        event: str,
        lane: str,
        body: bytes,
    ) -> None:
        destination = Destination.model_validate(
            {
                "name": "crm",
                "endpoint": f"http://127.0.0.1:{line.port}{path}",
                "headers": configured,
                "query": query,
                "delivery": {"transport": kind},
            }
        )
        authorization = None if token is None else f"Bearer {token}"
        key, position = idempotency_key("crm", event), position_value(lane, 7)
        request = prepare(destination).request(authorization, key, position, body)

        heard = line.send(request)

        sent = (*request.fixed, *request.own)
        assert heard.fields == tuple((name, value.encode("latin-1")) for name, value in sent)
        assert heard.host == f"127.0.0.1:{line.port}"
        assert heard.body == body
        whole = destination.url.removeprefix(f"http://127.0.0.1:{line.port}")
        assert heard.target == (whole if whole.startswith("/") else "/" + whole).removesuffix("?") or whole.endswith(
            "?"
        )

    holds()


@given(name=NAMES, begin=ASCII, unfit=UNFIT, end=ASCII)
def test_the_settings_refuse_what_a_header_cannot_carry(name: str, begin: str, unfit: str, end: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Destination.model_validate({"name": "crm", "endpoint": "http://x/", "headers": {name: begin + unfit + end}})

    assert [error["loc"] for error in refused.value.errors()] == [("headers",)]
    assert "a header's value must" in str(refused.value)


@pytest.mark.parametrize("unfit", ["a\rb", "a\nb", "a\r\nX-Injected: 1", "a\0b", "\u20ac"])
@pytest.mark.parametrize("place", ["fixed", "own"])
async def test_what_the_settings_would_refuse_is_a_bug_and_never_goes_out(
    opening: Opening, unfit: str, place: str
) -> None:
    header = (("X-Team", unfit),)
    async with serving(repeats()) as server, opening() as transport:
        request = Request(server.url(), header if place == "fixed" else (), header if place == "own" else (), b"{}")
        with pytest.raises(ValueError, match="'X-Team' holds") as raised:
            await transport.send(request)
        assert unfit not in str(raised.value)
        assert raised.value.__context__ is None
        assert isinstance(await transport.send(Request(server.url(), (), (), b"{}")), Answer)

    assert [heard.header("X-Injected") for heard in server.heard] == [None]
    assert [heard.header("X-Team") for heard in server.heard] == [None]


@pytest.mark.parametrize("url", ["http://x/a b", "http://x/a\r\nX: 1", "http://x/?a=\0"])
async def test_lean_sends_no_url_that_is_none(url: str) -> None:
    async with open_transport("lean", TransportOptions(timeout_seconds=1, concurrency=1)) as transport:
        with pytest.raises(ValueError, match="URL"):
            await transport.send(Request(url, (), (), b"{}"))
