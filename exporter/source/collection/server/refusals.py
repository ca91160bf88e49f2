"""The answers of the server itself: to what it cannot read, or what does not come in time."""

from __future__ import annotations

from exporter.source.collection.checks.admission import Admitted, too_large
from exporter.source.collection.checks.answers import Answer, problem
from exporter.source.collection.server.bodies import Fault
from exporter.source.collection.server.head import BadHead

HEAD_LATE = problem(408, "The head did not come in time", close=True)
OUR_FAULT = problem(500, "The request met a fault of the server", close=True)


def bad_head(bad: BadHead) -> Answer:
    """The head cannot be read."""
    return problem(bad.status, bad.words, close=True)


def body_late(request: Admitted) -> Answer:
    """The body did not come in time."""
    return problem(408, "The body did not come in time", close=True, source=request.inlet.source)


def body_spoiled(request: Admitted, fault: Fault) -> Answer:
    """The body cannot be read to its end."""
    if fault is Fault.TOO_LARGE:
        return too_large(request.plane, request.inlet, request.headers)
    return problem(400, "The chunks of the body are broken", close=True, source=request.inlet.source)
