"""A page of another origin can do nothing to an open control plane: sent as browsers send it, and by one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from string import Template
from typing import Any

import pytest
from browser import browsing, needs_browser
from control_api import CONVERSION, FLOWS, HTTP_SPEC, Api
from foreign_pages import serving_page
from harness import Place
from processes import eventually
from serving import SCHEMA, serve, way_in

EVIL = "https://evil.example"
CONNECTION = {
    "name": "evil",
    "connectionSpec": HTTP_SPEC,
    "auth": {"specName": "Streaming Connection", "params": {"dataType": "raw"}},
}
DATASET = {"name": "evil", "schemaRef": {"id": SCHEMA, "contentType": "application/json"}}
#: What a page may send without asking before: the content types of forms, and what fetch() calls simple.
SIMPLE = ("text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
PAGE = Path(__file__).parent / "foreign_page.html"
READ = (f"{FLOWS}/flows", f"{FLOWS}/connections", "/data/foundation/catalog/dataSets", f"{CONVERSION}/mappingSets")


def sent(
    place: Place, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request, which has these headers alone."""
    with closing(
        http.client.HTTPConnection("127.0.0.1", place.config["serve"]["api"]["port"], timeout=60)
    ) as connection:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def everything(api: Api) -> list[Any]:
    """All that a page might have changed."""
    return [api.ask("GET", f"{path}?limit=100") for path in READ]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Place, Api]]:
    """A control plane that is open to this machine, and gives tokens to everybody."""
    with Place(tmp_path) as place:
        way_in(place)
        place.config["serve"]["ims"] = {"open": True}
        place.write()
        serving = serve(place).ready()
        with closing(Api(place)) as api:
            yield place, api.flow_parts()
        assert serving.terminate() == 0


def test_a_page_can_neither_change_nor_read_anything(opened: tuple[Place, Api]) -> None:
    place, api = opened
    mapping_set = api.mapping_set(_acme__profile="id")
    flow = f"{FLOWS}/flows/{api.flow('ours', mapping_set)}"
    here = f"127.0.0.1:{place.config['serve']['api']['port']}"
    before = everything(api)

    writes: list[tuple[str, str, Any]] = [
        ("POST", f"{FLOWS}/connections", CONNECTION),
        ("POST", f"/{FLOWS}/connections", CONNECTION),
        ("POST", "/data/foundation/catalog/dataSets", DATASET),
        ("POST", f"{flow}/action?op=disable", None),
        ("POST", "/data/core/ups/access/entities", {}),
        ("POST", "/ims/token/v3", {}),
        ("PATCH", flow, [{"op": "replace", "path": "/name", "value": "evil"}]),
        ("PUT", f"{CONVERSION}/mappingSets/{mapping_set}", {"mappings": []}),
        ("DELETE", flow, None),
        ("DELETE", "/data/core/ups/access/entities?entityId=a&entityIdNS=key", None),
    ]
    for method, path, body in writes:
        content = b"" if body is None else json.dumps(body).encode()
        for content_type in (*SIMPLE, "application/json"):
            # Of another origin; of a frame or a file, whose origin is not told; by a name that now leads here.
            for origin, host in ((EVIL, here), ("null", here), (None, "evil.example"), (EVIL, "evil.example:80")):
                headers = {"Host": host, "Content-Type": content_type}
                answer = sent(place, method, path, headers | ({"Origin": origin} if origin else {}), content)
                judge(answer, 403)
        asking = {"Host": here, "Origin": EVIL, "Access-Control-Request-Method": method}
        judge(sent(place, "OPTIONS", path, {**asking, "Access-Control-Request-Headers": "content-type"}), 403)
    for path in (*READ, "/ims/keys"):
        for headers in ({"Host": "evil.example"}, {"Host": here, "Origin": EVIL}, {"Host": f"{here}.evil.example"}):
            _, _, content = judge(sent(place, "GET", path, headers), 403)
            assert b"ours" not in content
        # An image or a script of a page is asked for without an origin: no page reads what comes.
        judge(sent(place, "GET", path, {"Host": here, "Sec-Fetch-Site": "cross-site"}), 200)

    assert everything(api) == before
    # A person's program, by either name of this machine.
    for host in (here, here.replace("127.0.0.1", "localhost")):
        judge(sent(place, "GET", READ[0], {"Host": host}), 200)


@needs_browser
def test_a_page_in_a_browser_can_neither(opened: tuple[Place, Api], tmp_path: Path) -> None:
    place, api = opened
    flow, port = api.flow("ours", api.mapping_set(_acme__profile="id")), place.config["serve"]["api"]["port"]
    here = [f"http://{name}:{port}" for name in ("127.0.0.1", "localhost")]
    before = everything(api)

    for name in ("evil.example", "127.0.0.1"):
        for at in page_told(tmp_path / name, name, port, here, flow).values():
            # Those that a browser lets pages send came to an answer; it asked before it sent the others, in vain.
            assert {what for what, came in at.items() if came == "opaque"} == {"text", "untyped", "disabled", "token"}
            assert {what for what, came in at.items() if came == "TypeError"} == {"json", "deleted", "read", "keys"}
        assert everything(api) == before, name
    # The page's name leads here once the page is there, so a browser takes what answers for the page's own server.
    [at] = page_told(tmp_path / "rebound", "evil.example", port, (), flow).values()
    for what, came in at.items():
        assert came == "sent" or (came[0] == 403 and "does not act as evil.example" in came[1]), (what, came)
    assert everything(api) == before


def page_told(folder: Path, name: str, port: int, addresses: Sequence[str], flow: str) -> Mapping[str, Any]:
    """What came of a page's attempts, by address: at a server of that name; without addresses, at its own, once that is
    the control plane at ``port``."""
    with serving_page() as pages:
        pages.onward, own = port, pages.server_port if addresses else port
        values = {"ADDRESSES": addresses or [f"http://{name}:{port}"], "FLOW": flow, "CONNECTION": CONNECTION}
        page = Template(PAGE.read_text(encoding="utf-8"))
        pages.page = page.substitute({word: json.dumps(value) for word, value in values.items()}).encode()
        led = () if name == "127.0.0.1" else (f"--host-resolver-rules=MAP {name} 127.0.0.1:{pages.server_port}",)
        with browsing(f"http://{name}:{own}/", folder, *led):
            told: Mapping[str, Any] = eventually("the page has told all", lambda: pages.told)
            return told


def judge(answer: tuple[int, dict[str, str], bytes], status: int) -> tuple[int, dict[str, str], bytes]:
    """The answer: of that status, and with nothing that would let a page read it."""
    assert answer[0] == status, answer
    assert [name for name in answer[1] if name.startswith("access-control-")] == []
    return answer
