"""What all destinations of a process share by amounts: the memory of their windows, and their connections."""

from __future__ import annotations

#: An amount that nobody reaches.
UNBOUNDED = 1 << 62


class Pool:
    """So much of one thing for all members together.

    Each member may always hold its equal share; what the others leave free it may borrow.
    """

    __slots__ = ("_least", "_members", "_total", "used")

    def __init__(self, total: int = UNBOUNDED, least: int = 0) -> None:
        """``least`` is what each member may hold however many there are."""
        self._total = total
        self._least = least
        self._members = 0
        self.used = 0

    def join(self) -> Share:
        """Take part in the sharing."""
        self._members += 1
        return Share(self)

    def leave(self, share: Share) -> None:
        """Give everything back."""
        self._members -= 1
        share.add(-share.used)

    def resize(self, total: int) -> None:
        """Share another amount from now on; what is held stays."""
        self._total = total

    @property
    def equal(self) -> int:
        """What each member may always hold."""
        return max(self._least, self._total // max(1, self._members))

    @property
    def free(self) -> int:
        """What may be borrowed beyond that; below 0: what is to be given back."""
        return self._total - self.used


class Share:
    """What one member holds."""

    __slots__ = ("_pool", "used")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.used = 0

    def add(self, amount: int) -> None:
        """Hold so much more (less, if negative), whether or not there is room."""
        self.used += amount
        self._pool.used += amount

    def room(self) -> int:
        """How much more this member may hold."""
        return max(0, self._most() - self.used)

    def want(self, amount: int) -> int:
        """Hold so much in place of what was held before, or what there is of it; returns what is held from now on."""
        held = min(amount, self._most())
        self.add(held - self.used)
        return held

    def _most(self) -> int:
        return max(self._pool.equal, self.used + self._pool.free)
