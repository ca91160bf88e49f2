"""The receiver's token endpoint on HTTP: issues tokens unless a fault says otherwise."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from aiohttp import web

from exporter.receiver.counters import Counters
from exporter.receiver.faults import Faults
from exporter.receiver.tokens import Issued, Refused, Tokens

#: Called with the status of each answer, and a note for people.
TokenObserver = Callable[[int, str], None]


def json_answer(document: object, status: int = 200) -> web.Response:
    """An answer with ``document`` as the JSON body."""
    body = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
    return web.Response(status=status, body=body, content_type="application/json")


class TokenEndpoint:
    """Answers token requests.

    Args:
        faults: what goes wrong; assign to change it.
        tokens: the source of tokens.
        issues: whether tokens are issued: not for ``none`` and ``bearer``.
        counters: counted here.
        observer: called with every answer.
    """

    def __init__(
        self, faults: Faults, tokens: Tokens, issues: bool, counters: Counters, observer: TokenObserver
    ) -> None:
        self.faults = faults
        self._tokens = tokens
        self._issues = issues
        self._counters = counters
        self._observer = observer

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a token request (RFC 6749 §5)."""
        result = self._result(request, await request.content.read())
        if isinstance(result, Refused):
            status, note = result.status, f"{result.error}: {result.description}"
            response = json_answer({"error": result.error, "error_description": result.description}, status)
        else:
            status, note = 200, f"a token for {result.lifetime:g} s"
            seconds = int(result.lifetime) if result.lifetime.is_integer() else result.lifetime
            response = json_answer({"access_token": result.token, "token_type": "Bearer", "expires_in": seconds})
        response.headers["Cache-Control"] = "no-store"
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="token"'
        if status == 405:
            response.headers["Allow"] = "POST"
        if status in (429, 503) and self.faults.retry_after is not None:
            response.headers["Retry-After"] = str(self.faults.retry_after)
        self._counters.token_requests[status] += 1
        self._observer(status, note)
        return response

    def _result(self, request: web.BaseRequest, body: bytes) -> Issued | Refused:
        """A token, or the reason why there is none."""
        if not self._issues:
            return Refused("not_found", "this receiver issues no tokens", 404)
        if request.method != "POST":
            return Refused("invalid_request", "a token request is a POST", 405)
        if self.faults.token_status not in (None, 400, 401):
            return Refused("server_error", "the token endpoint is told to fail", self.faults.token_status)
        if self.faults.refuse_credentials or self.faults.token_status is not None:
            return Refused("invalid_client", "these credentials were revoked", self.faults.token_status or 401)
        return self._tokens.answer(request.content_type, request.headers.get("Authorization"), body)
