"""What a connection reads next."""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """The phases of reading; answers to earlier requests may be on their way in any of them.

    =======  ====================================================  =========================================
    phase    what is read, and what follows                        ends at the latest after
    =======  ====================================================  =========================================
    HEAD     the next head: HELD, BODY, DROP, DONE, or HEAD again  ``head_seconds``; ``idle_seconds``
    HELD     nothing, until there is room, or a verdict: BODY      ``hold_seconds``
    BODY     the body of a request: HEAD, DONE                     ``body_seconds``, or below ``body_rate``
    DROP     the body of a request that is answered: HEAD          as BODY
    DONE     nothing more; when all is answered: LINGER, CLOSED    the hold of the requests in hand
    LINGER   what still comes, which is dropped: CLOSED            ``linger_seconds``
    CLOSED   nothing; the last answer is being written             ``write_seconds``
    =======  ====================================================  =========================================
    """

    HEAD = 0
    HELD = 1
    BODY = 2
    DROP = 3
    DONE = 4
    LINGER = 5
    CLOSED = 6
