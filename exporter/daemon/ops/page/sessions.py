"""Who is signed in to the page: sessions in memory, bounded in number and in time. Pure: time is passed in."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

#: More sessions than these are nobody's need; the one that was used longest ago ends.
MOST: Final = 32
#: A session ends so long after its last use, and so long after its beginning in any case; seconds.
IDLE_SECONDS: Final = 3600.0
LONGEST_SECONDS: Final = 12 * 3600.0


@dataclass(slots=True)
class Session:
    """One browser that presented the token.

    Attributes:
        begun: when.
        used: when last.
        form_key: stands in every form that it is given, and proves that a form comes from here.
        told: what came of its last action, not shown yet: at which path, whether it was done, and a sentence.
    """

    begun: float
    used: float
    form_key: str = field(repr=False)
    told: tuple[str, bool, str] | None = None

    def news(self, path: str) -> tuple[bool, str] | None:
        """What came of an action that is to be shown at ``path``, for the first time."""
        if self.told is None or self.told[0] != path:
            return None
        (_, done, said), self.told = self.told, None
        return done, said

    def has(self, form_key: str) -> bool:
        """Whether a form with this key was given to this session."""
        return hmac.compare_digest(self.form_key.encode(), form_key.encode(errors="surrogateescape"))


class Sessions:
    """All sessions of a process. Keys are looked up by their digest, so that no answer's time tells of them."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, now: float) -> str:
        """A new session; returns its key, which only the browser has."""
        key = secrets.token_urlsafe(32)
        while len(self._sessions) >= MOST:
            self._sessions.popitem(last=False)
        self._sessions[_digest(key)] = Session(now, now, secrets.token_urlsafe(32))
        return key

    def of(self, key: str | None, now: float, *, by_hand: bool = True) -> Session | None:
        """The session with a key; None where there is none, or none any more.

        It is used now if it is asked for ``by_hand``; that a page renews itself keeps no session alive.
        """
        if key is None or (found := self._sessions.get(_digest(key))) is None:
            return None
        if now - found.used > IDLE_SECONDS or now - found.begun > LONGEST_SECONDS:
            self.end(key)
            return None
        if by_hand:
            found.used = now
            self._sessions.move_to_end(_digest(key))
        return found

    def end(self, key: str | None) -> None:
        """End the session with a key, if there is one."""
        if key is not None:
            self._sessions.pop(_digest(key), None)


def _digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogateescape")).digest()
