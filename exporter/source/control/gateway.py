"""Who may use the control plane: the checks that come before every path, in the order in which clients know them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.answers import failed, refused
from exporter.source.tokens.verdicts import Tokens, Verdict


@dataclass(frozen=True, slots=True)
class Gateway:
    """The checks of ``serve.api``.

    Attributes:
        tokens: who judges tokens now; None: nobody is asked for one, and nothing is checked but the sandbox.
        org_ids: what ``x-gw-ims-org-id`` may be; empty: anything.
        api_keys: what ``x-api-key`` may be; empty: anything.
        sandboxes: those that are known.
    """

    tokens: Callable[[], Tokens] | None
    org_ids: tuple[str, ...]
    api_keys: tuple[str, ...]
    sandboxes: tuple[str, ...]

    async def admit(self, head: RequestHead) -> str | Answer:
        """The client that the token of a request names, empty where none is known; or why it goes no further."""
        headers = head.headers
        client: str | Answer = ""
        if self.tokens is not None:
            client = await _client(headers.get("authorization", ""), self.tokens())
            if isinstance(client, Answer):
                return client
            if not (key := headers.get("x-api-key")):
                return refused(403, "403000", "Api Key is required")
            if self.api_keys and key not in self.api_keys:
                return refused(403, "403003", "Api Key is invalid")
            if not (org := headers.get("x-gw-ims-org-id")):
                return refused(400, "400003", "Missing header: x-gw-ims-org-id")
            if self.org_ids and org not in self.org_ids:
                return refused(403, "403025", "Profile is not valid")
        if (sandbox := headers.get("x-sandbox-name")) and sandbox not in self.sandboxes:
            return failed(404, "2100-404", "There is no sandbox of this name")
        return client


async def _client(authorization: str, tokens: Tokens) -> str | Answer:
    scheme, _, rest = authorization.strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else authorization.strip()
    if not token:
        return refused(403, "403010", "Oauth token is missing.")
    verdict = tokens.known(token)
    if verdict is None:
        verdict = await tokens.judge(token)
    if verdict is Verdict.UNDECIDED:
        return failed(503, "1503-503", "The keys of the token's issuer cannot be had now")
    return tokens.client(token) if verdict is Verdict.GOOD else refused(401, "401013", "Oauth token is not valid")
