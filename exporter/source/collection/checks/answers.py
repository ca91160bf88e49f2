"""Answers of the data plane, and the bodies that say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import orjson

from exporter.source.collection.plane import Inlet, Plane

Header = tuple[str, str]

_PROBLEM = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"
_UNAUTHORISED = "https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization"
#: The words of statuses (RFC 9110 §15); Python's own differ from release to release.
PHRASES = {**{status.value: status.phrase for status in HTTPStatus}, 413: "Content Too Large"}
#: How much of an inlet id that is none is repeated in an answer.
_SHOWN_CHARACTERS = 64

UNKNOWN_FORMAT = "Message has unknown xdm format"
WRONG_ORG = "Message has an absent or wrong ims org in the header"
INVALID = "Message is invalid"


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a request is answered with.

    ``headers`` are those beside the content's length, and its type where that is JSON, as is all that the data plane
    answers with; ``close``: the connection ends with this answer.
    ``source`` is the name of the connection whose inlet was asked, for metrics, None where there is none.
    """

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    close: bool = False
    source: str | None = None

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def about(inlet_id: str, org_id: str, text: str) -> str:
    """A sentence about an inlet, in the form that clients look for."""
    return f"inletId: [{inlet_id}] imsOrgId: [{org_id}] {text}"


def problem(
    status: int,
    message: str,
    *,
    title: str | None = None,
    headers: tuple[Header, ...] = (),
    close: bool = False,
    source: str | None = None,
    violations: Sequence[Any] | None = None,
) -> Answer:
    """An answer that says what is wrong. ``violations`` are those of a synchronous validation."""
    report: dict[str, Any] = {"message": message}
    if violations is not None:
        report["cause"] = {"_streamingValidation": violations}
    named = title or PHRASES[status]
    body = orjson.dumps({"type": _PROBLEM, "status": status, "title": named, "report": report})
    return Answer(status, body, headers, close, source)


def invalid(inlet: Inlet, text: str, violations: Sequence[Any] | None = None) -> Answer:
    """400: the message is refused for ``text``."""
    return problem(
        400,
        about(inlet.id, inlet.org_id, text),
        title="Invalid XDM Message Format",
        source=inlet.source,
        violations=violations,
    )


def no_inlet(plane: Plane, inlet_id: str) -> Answer:
    """404: there is no such inlet."""
    shown = inlet_id[:_SHOWN_CHARACTERS].encode("utf-8", "replace").decode()
    return problem(404, about(shown, plane.org_id, "Inlet not found"))


def unauthorised(inlet: Inlet, what: str) -> Answer:
    """401: the token ``is empty``, ``is invalid`` or ``is expired``."""
    body = orjson.dumps(
        {
            "type": _UNAUTHORISED,
            "status": "401",
            "title": "Authorization",
            "report": {"message": f"[{inlet.id}] Ims service token {what}"},
        }
    )
    return Answer(401, body, (("WWW-Authenticate", "Bearer"),), source=inlet.source)


def overloaded(
    plane: Plane, source: str | None, message: str, retry_seconds: int = 1, *, close: bool = False
) -> Answer:
    """503, or what the plane has in its place: the request could not be kept now."""
    return problem(
        plane.overload_status, message, headers=(("Retry-After", str(retry_seconds)),), close=close, source=source
    )
