"""Amounts that all destinations of a process share: the memory of windows, and connections."""

from __future__ import annotations

#: An amount that no process reaches.
UNBOUNDED = 1 << 62


class Pool:
    """An amount of something for all members together.

    Each member may always hold an equal share, and may borrow what other members leave free.
    """

    __slots__ = ("_least", "_members", "_total", "used")

    def __init__(self, total: int = UNBOUNDED, least: int = 0) -> None:
        """``least`` is the amount that each member may hold however many there are."""
        self._total = total
        self._least = least
        self._members = 0
        self.used = 0

    def join(self) -> Share:
        """Add a member."""
        self._members += 1
        return Share(self)

    def leave(self, share: Share) -> None:
        """Remove a member, and give everything back."""
        self._members -= 1
        share.add(-share.used)

    def resize(self, total: int) -> None:
        """Share a different ``total`` from now on; amounts that are held stay."""
        self._total = total

    @property
    def equal(self) -> int:
        """The amount that each member may always hold."""
        return max(self._least, self._total // max(1, self._members))

    @property
    def free(self) -> int:
        """The amount that no member holds; below 0: the amount to give back."""
        return self._total - self.used


class Share:
    """The amount that one member holds."""

    __slots__ = ("_pool", "used")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.used = 0

    def add(self, amount: int) -> None:
        """Hold ``amount`` more (less, if negative), whether or not there is room."""
        self.used += amount
        self._pool.used += amount

    def room(self) -> int:
        """How much more the member may hold."""
        return max(0, self._most() - self.used)

    def want(self, amount: int) -> int:
        """Hold ``amount`` in place of the amount before, or as much as there is; return what is held now."""
        held = min(amount, self._most())
        self.add(held - self.used)
        return held

    def _most(self) -> int:
        return max(self._pool.equal, self.used + self._pool.free)
