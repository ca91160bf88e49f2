"""What the head of a request decides: whether there is such an inlet, and whether its body will be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from exporter.source.collection.checks.answers import Answer, Header, about, no_inlet, problem
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.plane import Inlet, Plane

Encoding = Literal["identity", "gzip", "deflate"]

#: Both stand for the same resources: the second is the path on the platform's host.
_ROOTS = ("/collection/", "/data/foundation/import/collection/")
_BATCH = "batch/"
_ENCODINGS: dict[str, Encoding] = {
    "": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"
}  # fmt: skip
_SYNC = ("syncValidation", "synchronousValidation")
_FLOW = "x-adobe-flow-id"
_ALLOWED_HEADERS = (
    "Content-Type, Content-Encoding, Authorization, x-adobe-flow-id, x-adobe-dataset-id, x-gw-ims-org-id, "
    "x-api-key, x-sandbox-name"
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request whose head is in order: its body may be read once its token, where one is demanded, is good.

    ``sync`` is what the parameter says, None where there is none. ``flow`` and ``dataset`` are what the head names,
    empty where it names none. ``headers`` belong to the answer.
    """

    plane: Plane
    inlet: Inlet
    batch: bool
    sync: bool | None = None
    encoding: Encoding = "identity"
    flow: str = ""
    dataset: str = ""
    token: str = field(default="", repr=False)
    headers: tuple[Header, ...] = ()


def admit(head: RequestHead, plane: Plane) -> Admitted | Answer:
    """What is answered at once, or the request that may go on."""
    found = _inlet(head.path, plane)
    if isinstance(found, Answer):
        return found
    inlet, batch = found
    cors = _cors(head, plane)
    if head.method == "OPTIONS" and plane.cors:
        return Answer(204, b"", _preflight(cors), source=inlet.source)
    if head.method != "POST":
        return problem(405, "Only POST is known here", headers=(("Allow", "POST"), *cors), source=inlet.source)
    if not inlet.enabled:
        words = about(inlet.id, inlet.org_id, "Connection is disabled")
        return problem(403, words, headers=cors, source=inlet.source)
    headers = head.headers
    media = headers.get("content-type", "")
    if media and media != "application/json" and media.partition(";")[0].strip().lower() != "application/json":
        return problem(415, "The content type is not application/json", headers=cors, source=inlet.source)
    encoding = _ENCODINGS.get(headers.get("content-encoding", "").strip().lower())
    if encoding is None:
        return problem(415, "The content encoding is neither gzip nor deflate", headers=cors, source=inlet.source)
    if head.length is not None and head.length > plane.max_body:
        return too_large(plane, inlet, cors)
    sync, flow = _parameters(head)
    token = headers.get("authorization", "")
    return Admitted(
        plane,
        inlet,
        batch,
        sync,
        encoding,
        headers.get(_FLOW, "") or flow,
        headers.get("x-adobe-dataset-id", ""),
        _bare(token) if token else "",
        cors,
    )


def too_large(plane: Plane, inlet: Inlet, cors: tuple[Header, ...]) -> Answer:
    """413; the connection ends, since the rest of the body would have to be read."""
    words = f"The body has more than {plane.max_body} bytes"
    return problem(413, words, headers=cors, close=True, source=inlet.source)


def _inlet(path: str, plane: Plane) -> tuple[Inlet, bool] | Answer:
    for root in _ROOTS:
        if path.startswith(root):
            rest = path[len(root) :].removesuffix("/")
            break
    else:
        return problem(404, "There is no such path")
    inlet = plane.inlets.get(rest)
    if inlet is not None:
        return inlet, False
    batch = rest.startswith(_BATCH)
    name = rest.removeprefix(_BATCH)
    inlet = plane.inlets.get(name) if batch else None
    return (inlet, True) if inlet is not None else no_inlet(plane, name)


def _cors(head: RequestHead, plane: Plane) -> tuple[Header, ...]:
    if not plane.cors:
        return ()
    if "*" in plane.cors:
        return (("Access-Control-Allow-Origin", "*"),)
    origin = head.headers.get("origin", "")
    allowed = (("Access-Control-Allow-Origin", origin),) if origin in plane.cors else ()
    return (*allowed, ("Vary", "Origin"))


def _preflight(cors: tuple[Header, ...]) -> tuple[Header, ...]:
    if not any(name == "Access-Control-Allow-Origin" for name, _ in cors):
        return cors
    return (
        *cors,
        ("Access-Control-Allow-Methods", "POST"),
        ("Access-Control-Allow-Headers", _ALLOWED_HEADERS),
        ("Access-Control-Max-Age", "86400"),
    )


def _parameters(head: RequestHead) -> tuple[bool | None, str]:
    """Whether a synchronous validation is asked for, and the flow that the query names; later values win."""
    if not head.query:
        return None, ""
    sync: bool | None = None
    flow = ""
    for name, value in parse_qsl(head.query, keep_blank_values=True):
        if name in _SYNC:
            sync = value.strip().lower() == "true"
        elif name == _FLOW:
            flow = value
    return sync, flow


def _bare(authorization: str) -> str:
    """The token of the header's value, which may stand without its scheme."""
    scheme, _, rest = authorization.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else authorization.strip()
