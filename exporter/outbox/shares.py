"""The memory that all windows of a process share (``memory`` in config/exporter.yaml)."""

from __future__ import annotations


class SharedMemory:
    """Bytes held by all windows together.

    Each window may always hold its equal share; what the others leave free it may borrow.
    """

    __slots__ = ("_accounts", "_total", "used")

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._accounts = 0
        self.used = 0

    def open(self) -> Account:
        """Take part in the sharing."""
        self._accounts += 1
        return Account(self)

    def resize(self, total_bytes: int) -> None:
        """Share another amount from now on; what is held stays."""
        self._total = total_bytes

    def close(self, account: Account) -> None:
        """Give everything back."""
        self._accounts -= 1
        account.add(-account.used)

    @property
    def share(self) -> int:
        """What each window may always hold, in bytes."""
        return self._total // max(1, self._accounts)

    @property
    def free(self) -> int:
        """What may still be borrowed, in bytes."""
        return self._total - self.used


class Account:
    """What one window holds of the shared memory."""

    __slots__ = ("_memory", "used")

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self.used = 0

    def add(self, size: int) -> None:
        """Hold so many bytes more (fewer, if negative)."""
        self.used += size
        self._memory.used += size

    def room(self) -> int:
        """How many bytes more this window may hold."""
        return max(0, self._memory.share - self.used, self._memory.free)
