"""Answers of the control plane, and the bodies that say what is wrong."""

from __future__ import annotations

from typing import Any

import orjson

from exporter.source.collection.checks.answers import PHRASES, Answer, Header


def found(value: Any, status: int = 200) -> Answer:
    """An answer with ``value`` as JSON."""
    return Answer(status, orjson.dumps(value))


def failed(status: int, code: str, details: str, *, headers: tuple[Header, ...] = ()) -> Answer:
    """An answer that says what is wrong, in the shape of the Flow Service; ``details`` are for people."""
    body = {"errorCode": code, "errorMessage": PHRASES[status], "errorDetails": details, "status": status}
    return Answer(status, orjson.dumps(body), headers)


def refused(status: int, code: str, message: str) -> Answer:
    """An answer of the gateway, before anything is looked at."""
    headers = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
    return Answer(status, orjson.dumps({"error_code": code, "message": message}), headers)
