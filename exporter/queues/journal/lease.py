"""One reader per group over all processes of this machine: an exclusive lock on a file named after the group.

The operating system gives the lock back when its process ends, however that happens.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from exporter.queues.port import QueueUnavailable

_STANDBY_SECONDS = 0.25
_BADGE_BYTES = 256


@dataclass(slots=True)
class _Held:
    """A lock that is ours: by the file that stands now; those before are closed with the ``stack``."""

    descriptor: int
    badge: str
    stack: ExitStack
    lost: bool = False


class Leases:
    """The folder of lock files beside a journal: beside the file itself, by whatever name that was opened.

    The files stay: removing one while somebody waits for it would let two readers in. Where somebody else removes one
    that we hold, ``renew`` makes and takes it again.
    """

    def __init__(self, journal: Path) -> None:
        self._folder = Path(os.path.realpath(journal) + ".locks")
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def held(self, group: str, badge: str = "") -> AsyncIterator[None]:
        """Wait as a standby until the lock is ours, four looks a second, and show ``badge`` while it is.

        Raises:
            QueueUnavailable: no lock file.
        """
        with ExitStack() as stack:
            descriptor = stack.enter_context(self._file(group))
            while not (_try(group, descriptor, fcntl.LOCK_EX) and self._stands(group, descriptor)):
                await asyncio.sleep(_STANDBY_SECONDS)  # nobody tells us when another process ends
                if not self._stands(group, descriptor):
                    stack.close()
                    descriptor = stack.enter_context(self._file(group))
            _show(descriptor, badge)
            self._held[group] = _Held(descriptor, badge, stack)
            try:
                yield
            finally:
                del self._held[group]

    def renew(self) -> None:
        """Look whether the files of the locks that we hold still stand, and take again those that do not.

        Raises:
            QueueUnavailable: another process was quicker, and reads now what we read; that stays so.
        """
        for group, held in self._held.items():
            if held.lost:
                raise QueueUnavailable(_taken_away(group))
            if self._stands(group, held.descriptor):
                continue
            descriptor = held.stack.enter_context(self._file(group))
            if not _try(group, descriptor, fcntl.LOCK_EX):
                held.lost = True
                raise QueueUnavailable(_taken_away(group))
            held.descriptor = descriptor
            _show(descriptor, held.badge)

    def badge(self, group: str) -> str:
        """What the holder shows, empty if there is none. Raises as ``held``."""
        if not self.busy(group):
            return ""
        with self._file(group) as descriptor, _words(group):
            return os.pread(descriptor, _BADGE_BYTES, 0).decode(errors="replace")

    @contextmanager
    def taken(self, group: str) -> Iterator[bool]:
        """Hold the lock if it is free; False if somebody else holds it. Raises as ``held``."""
        with self._file(group) as descriptor:
            yield _try(group, descriptor, fcntl.LOCK_EX)

    def busy(self, group: str) -> bool:
        """Whether somebody holds the lock; a shared look, so that two who look see no reader in each other.

        Raises as ``held``.
        """
        with _words(group):
            try:
                self._path(group).stat()
            except FileNotFoundError:
                return False
        with self._file(group) as descriptor:
            return not _try(group, descriptor, fcntl.LOCK_SH)

    def maybe_busy(self, group: str) -> bool:
        """Whether somebody holds the lock, or may do: it cannot be looked at."""
        try:
            return self.busy(group)
        except QueueUnavailable:
            return True

    def _stands(self, group: str, descriptor: int) -> bool:
        with _words(group):
            try:
                status = self._path(group).stat()
            except FileNotFoundError:
                return False
            return os.path.samestat(status, os.fstat(descriptor))

    def _path(self, group: str) -> Path:
        return self._folder / sha256(group.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @contextmanager
    def _file(self, group: str) -> Iterator[int]:
        with _words(group):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path(group), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _show(descriptor: int, badge: str) -> None:
    with suppress(OSError):  # a full disk is no reason not to read
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, badge.encode(), 0)


def _taken_away(group: str) -> str:
    return (
        f"the lock of group {group} was removed while it was held, and another process has taken it since: "
        "start the exporter again"
    )


@contextmanager
def _words(group: str) -> Iterator[None]:
    """Whatever the system refuses about a lock is the queue's trouble."""
    try:
        yield
    except OSError as error:
        raise QueueUnavailable(f"the lock of group {group} cannot be used: {error}") from error


def _try(group: str, descriptor: int, kind: int) -> bool:
    with _words(group):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
