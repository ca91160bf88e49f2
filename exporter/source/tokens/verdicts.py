"""What is found of a token, and who finds it."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Verdict(Enum):
    """``UNDECIDED``: the issuer's keys cannot be had now, which is no fault of the sender."""

    GOOD = "good"
    INVALID = "invalid"
    EXPIRED = "expired"
    UNDECIDED = "undecided"


class Tokens(Protocol):
    """Judges tokens."""

    def known(self, token: str) -> Verdict | None:
        """The verdict, where nothing needs to be fetched for it; else None."""
        ...

    async def judge(self, token: str) -> Verdict:
        """The verdict, which may wait for keys to be fetched. Never raises for what a token says."""
        ...

    def client(self, token: str) -> str:
        """The client that a good token names; empty where it names none."""
        ...
