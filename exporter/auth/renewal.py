"""Holds a destination's token: fetched once for all callers, renewed ahead of its expiry, dropped when refused."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace

from exporter.auth.authorizer import Authorization, Surroundings, Unauthorized
from exporter.auth.reading.token import TokenAnswer, TokenFailed, TokenGranted, TokenRefused, read_token
from exporter.auth.token_request import TokenRequests
from exporter.messages.exchange import Answer, NoAnswer, Request, Unreachable
from exporter.messages.retry_after import retry_after
from exporter.transport.port import Transport

#: A token of unknown lifetime is replaced after this long, at the latest.
UNKNOWN_LIFETIME_SECONDS = 3600.0
#: A token is renewed ahead of its expiry by a fifth of its lifetime, but by no more than this.
LONGEST_MARGIN_SECONDS = 60.0
#: After a renewal ahead of expiry failed, the old token serves this long before the next try.
EARLY_RETRY_SECONDS = 5.0
#: The shortest lifetime that is believed: a token that lives shorter is fetched again when the endpoint refuses it.
SHORTEST_LIFETIME_SECONDS = 1.0
#: The seconds in which those tokens are counted that came in place of refused tokens.
WINDOW_SECONDS = 60.0
#: The count from which on the endpoint is taken to refuse every token that the token server hands out
#: (contract.md#whose-fault). Tokens that expire are no sign of that, however soon.
TOKENS_PER_WINDOW = 5
#: The count from which on the refusal of a token from a refresh makes the grant itself the next try.
REFRESHED_PER_WINDOW = 3


@dataclass(slots=True)
class _Held:
    """The current token. Times are on the authorizer's clock. ``refreshed``: whether a refresh token was used."""

    authorization: Authorization
    refreshed: bool
    expires_at: float
    renew_at: float


class TokenAuthorizer:
    """The ``Authorizer`` of all kinds that fetch tokens.

    Single flight without a separate task: the first caller that needs a token fetches it under a lock, and the callers
    that wait share the result, failure included. If the first caller is cancelled, the next in line fetches.
    """

    def __init__(
        self, requests: TokenRequests, transport: Transport, refresh_on: frozenset[int], surroundings: Surroundings
    ) -> None:
        """As for ``OAuth2.authorizer``; ``requests`` and ``refresh_on`` come from the configuration."""
        self.refresh_on = refresh_on
        self._requests = requests
        self._transport = transport
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        self._refresh_token: str | None = None
        #: Whether a token was refused, and no token came in its place yet.
        self._refused = False
        #: When tokens came in place of refused tokens.
        self._replaced_at: deque[float] = deque()
        #: The time before which the token endpoint asked for no request, and the failure that came with that.
        self._not_before = float("-inf")
        self._told = Unauthorized("token_endpoint", "")
        self._oddity: str | None = None
        self._finished = 0
        self._last: Authorization | Unauthorized | None = None

    async def authorize(self) -> Authorization | Unauthorized:
        """The current token; fetches a token where there is none, or one about to expire that no caller is renewing."""
        while True:
            current = self.at_hand()
            if current is not None:
                return current
            seen = self._finished
            async with self._lock:
                if self._finished == seen:
                    self._last = await self._fetch()
                    self._finished += 1
                if isinstance(self._last, Unauthorized):
                    return self._unexpired() or self._last
                # A token is presented at least once, however short its life, unless refused while this caller waited.
                if self._held is not None and self._held.authorization is self._last:
                    return self._last

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        """Replace a token that the endpoint refused; the refusal of an earlier token drops nothing."""
        held = self._held
        if held is not None and held.authorization is refused:
            if held.refreshed and self._replaced(self._clock()) >= REFRESHED_PER_WINDOW:
                # Tokens from refreshes are refused; a token from the grant may not be.
                self._refresh_token = None
            # A token that was due for renewal was refused for its age, which says nothing of other tokens.
            self._refused = self._refused or self._clock() < held.renew_at
            self._held = None
        return await self.authorize()

    def at_hand(self) -> Authorization | None:
        """The token to present without waiting, if any; also a token that another caller is renewing."""
        held = self._held
        if held is not None and (self._clock() < held.renew_at or self._lock.locked()):
            return self._unexpired()
        return None

    def _unexpired(self) -> Authorization | None:
        held = self._held
        return held.authorization if held is not None and self._clock() < held.expires_at else None

    async def _fetch(self) -> Authorization | Unauthorized:
        """Fetch a token and hold it, or return why there is none; the old token is kept while valid."""
        now = self._clock()
        if now < self._not_before:
            return replace(self._told, retry_after_seconds=self._not_before - now)
        if self._refused and self._replaced(now) >= TOKENS_PER_WINDOW:
            return Unauthorized("credentials", f"{TOKENS_PER_WINDOW} tokens in {WINDOW_SECONDS:.0f} s were all refused")
        answer = await self._ask()
        match answer:
            case Authorization():
                return answer
            case TokenRefused(detail, hint):
                failure = Unauthorized("credentials", f"the token endpoint refused the credentials: {detail}")
            case TokenFailed(detail, cause, hint):
                failure = Unauthorized(cause, f"the token endpoint gave no token: {detail}")
        now = self._clock()
        if hint is not None:
            hint = min(hint, self._surroundings.retry_after_cap)
            self._not_before = now + hint
            self._told = failure = replace(failure, retry_after_seconds=hint)
        if self._held is not None:
            self._held.renew_at = now + max(EARLY_RETRY_SECONDS, hint or 0.0)
        return failure

    async def _ask(self) -> Authorization | TokenRefused | TokenFailed:
        """Ask with the refresh token where there is one; after a refusal, or without one, with the grant itself.

        After any refresh without a token the grant is next: whatever was in the way, the refresh token may be dead
        without a word from the server.
        """
        if self._refresh_token is not None:
            asked_at = self._clock()
            answer = await self._exchange(self._requests.refresh(self._refresh_token))
            if isinstance(answer, TokenGranted):
                return self._hold(answer, asked_at, refreshed=True)
            self._refresh_token = None
            if isinstance(answer, TokenFailed) or answer.retry_after_seconds is not None:
                return answer
        asked_at = self._clock()
        answer = await self._exchange(self._requests.full())
        return self._hold(answer, asked_at, refreshed=False) if isinstance(answer, TokenGranted) else answer

    async def _exchange(self, request: Request) -> TokenAnswer:
        outcome = await self._transport.send(request)
        answer: TokenAnswer
        match outcome:
            case Answer(status, headers, body):
                answer = read_token(status, headers, body)
                hint = retry_after(headers.get("retry-after"), self._surroundings.epoch())
                if hint is not None and not isinstance(answer, TokenGranted):
                    answer = replace(answer, detail=f"{answer.detail}, with Retry-After", retry_after_seconds=hint)
            case NoAnswer(reason):
                answer = TokenFailed(reason)
            case Unreachable(reason, cause):
                answer = TokenFailed(reason, "proxy" if cause == "proxy" else "token_endpoint")
        match answer:
            case TokenGranted():
                self._surroundings.observe("ok", "")
            case TokenRefused(detail):
                self._surroundings.observe("refused", detail)
            case TokenFailed(detail):
                self._surroundings.observe("failed", detail)
        return answer

    def _hold(self, granted: TokenGranted, asked_at: float, *, refreshed: bool) -> Authorization:
        # Counted from the request: the server's clock started before its answer came.
        lifetime = UNKNOWN_LIFETIME_SECONDS if granted.lifetime_seconds is None else granted.lifetime_seconds
        lifetime = max(lifetime, SHORTEST_LIFETIME_SECONDS)
        expires_at = asked_at + lifetime
        margin = min(lifetime / 5, LONGEST_MARGIN_SECONDS)
        authorization = Authorization(f"Bearer {granted.access_token}")
        self._held = _Held(authorization, refreshed, expires_at, expires_at - margin)
        if granted.refresh_token is not None:
            self._refresh_token = granted.refresh_token
        if self._refused:
            self._refused = False
            self._replaced_at.append(self._clock())
        if granted.oddity is not None and self._oddity is None:
            self._oddity = granted.oddity
            self._surroundings.note(granted.oddity)
        return authorization

    def _replaced(self, now: float) -> int:
        """How many tokens of the window came in place of a refused token."""
        while self._replaced_at and now - self._replaced_at[0] >= WINDOW_SECONDS:
            self._replaced_at.popleft()
        return len(self._replaced_at)
