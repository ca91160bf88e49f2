"""JSON answers of a receiver."""

from __future__ import annotations

import orjson
from aiohttp import web


def json_answer(document: object, status: int = 200) -> web.Response:
    """An answer with ``document`` as the JSON body."""
    body = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
    return web.Response(status=status, body=body, content_type="application/json")
