"""Holds one destination's token: fetched once for all callers, renewed ahead of its expiry, dropped when refused."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.auth.reading.token import TokenAnswer, TokenFailed, TokenGranted, TokenRefused, read_token
from exporter.auth.token_request import TokenRequests
from exporter.messages.exchange import Answer, NoAnswer, Request, Unreachable
from exporter.transport.port import Transport

#: A token whose lifetime nobody told is replaced after this long, at the latest.
UNKNOWN_LIFETIME_SECONDS = 3600.0
#: Ahead of its expiry a token is renewed by a fifth of its lifetime, but no more than this.
LONGEST_MARGIN_SECONDS = 60.0
#: After a renewal ahead of expiry failed, the old token serves this long before the next try.
EARLY_RETRY_SECONDS = 5.0
#: So many tokens in so many seconds mean that the endpoint refuses what the token server hands out.
TOKENS_PER_WINDOW = 5
WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class _Held:
    """The current token. ``renew_at`` and ``expires_at`` are on the authorizer's clock."""

    authorization: Authorization
    expires_at: float
    renew_at: float


class TokenAuthorizer:
    """The one ``Authorizer`` of all kinds that fetch tokens.

    Single flight without a task of its own: the first caller that needs a token fetches it under a lock, those who
    wait share what it got, failure included. Is that caller cancelled, the next one in line fetches.
    """

    def __init__(
        self,
        requests: TokenRequests,
        transport: Transport,
        refresh_on: frozenset[int],
        *,
        clock: Callable[[], float],
        observe: Callable[[str], None],
    ) -> None:
        """As ``OAuth2.authorizer``, whose configuration ``requests`` and ``refresh_on`` come from."""
        self.refresh_on = refresh_on
        self._requests = requests
        self._transport = transport
        self._clock = clock
        self._observe = observe
        self._lock = asyncio.Lock()
        self._held: _Held | None = None
        self._refresh_token: str | None = None
        self._granted_at: deque[float] = deque()
        self._finished = 0
        self._last: Authorization | Unauthorized | None = None

    async def authorize(self) -> Authorization | Unauthorized:
        """The current token; fetches one where there is none, or where it is about to expire and nobody renews it."""
        while True:
            current = self._current()
            if current is not None:
                return current
            seen = self._finished
            async with self._lock:
                if self._finished == seen:
                    self._last = await self._fetch()
                    self._finished += 1
                if isinstance(self._last, Unauthorized):
                    return self._unexpired() or self._last
                # Presented at least once, however short its life; but not if it was refused while this caller waited.
                if self._held is not None and self._held.authorization is self._last:
                    return self._last

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        """Replace a token that the endpoint refused; one that is no longer the current one changes nothing."""
        if self._held is not None and self._held.authorization is refused:
            self._held = None
        return await self.authorize()

    def _current(self) -> Authorization | None:
        """The token to present without waiting for anybody; also one that another caller is just renewing."""
        held = self._held
        if held is not None and (self._clock() < held.renew_at or self._lock.locked()):
            return self._unexpired()
        return None

    def _unexpired(self) -> Authorization | None:
        held = self._held
        return held.authorization if held is not None and self._clock() < held.expires_at else None

    async def _fetch(self) -> Authorization | Unauthorized:
        """Fetch a token and hold it, or say why there is none; the old one is kept while it lasts."""
        if self._too_many():
            # Without a change of ``_held``: an old token may still be good.
            failure = Unauthorized("credentials", f"{TOKENS_PER_WINDOW} tokens in {WINDOW_SECONDS:.0f} s and no end")
        else:
            asked_at = self._clock()
            answer = await self._ask()
            match answer:
                case TokenGranted():
                    return self._hold(answer, asked_at)
                case TokenRefused(detail):
                    failure = Unauthorized("credentials", f"the token endpoint refused the credentials: {detail}")
                case TokenFailed(detail):
                    failure = Unauthorized("token_endpoint", f"the token endpoint gave no token: {detail}")
        if self._held is not None:
            self._held.renew_at = self._clock() + EARLY_RETRY_SECONDS
        return failure

    async def _ask(self) -> TokenAnswer:
        """Ask with the refresh token where there is one; is that refused, with the grant itself."""
        if self._refresh_token is not None:
            answer = await self._exchange(self._requests.refresh(self._refresh_token))
            if not isinstance(answer, TokenRefused):
                return answer
            self._refresh_token = None
        return await self._exchange(self._requests.full())

    async def _exchange(self, request: Request) -> TokenAnswer:
        outcome = await self._transport.send(request)
        answer: TokenAnswer
        match outcome:
            case Answer(status, _, body):
                answer = read_token(status, body)
            case NoAnswer(reason) | Unreachable(reason):
                answer = TokenFailed(reason)
        match answer:
            case TokenGranted():
                self._observe("ok")
            case TokenRefused():
                self._observe("refused")
            case TokenFailed():
                self._observe("failed")
        return answer

    def _hold(self, granted: TokenGranted, asked_at: float) -> Authorization:
        # Counted from the request: the server's clock started before its answer came.
        lifetime = UNKNOWN_LIFETIME_SECONDS if granted.lifetime_seconds is None else granted.lifetime_seconds
        expires_at = asked_at + lifetime
        margin = min(lifetime / 5, LONGEST_MARGIN_SECONDS)
        authorization = Authorization(f"Bearer {granted.access_token}")
        self._held = _Held(authorization, expires_at, expires_at - margin)
        if granted.refresh_token is not None:
            self._refresh_token = granted.refresh_token
        self._granted_at.append(self._clock())
        return authorization

    def _too_many(self) -> bool:
        while self._granted_at and self._clock() - self._granted_at[0] >= WINDOW_SECONDS:
            self._granted_at.popleft()
        return len(self._granted_at) >= TOKENS_PER_WINDOW
