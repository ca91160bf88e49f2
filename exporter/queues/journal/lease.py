"""A single reader per group over all processes of a machine: an exclusive lock on a file named after the group.

The operating system releases the lock when the process ends, however that happens.
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
    """A held lock. ``descriptor`` is of the file that stands now; earlier descriptors are closed with ``stack``."""

    descriptor: int
    badge: str
    stack: ExitStack
    lost: bool = False


class Leases:
    """The folder of lock files beside a journal: beside the real file, by whatever link the journal was opened.

    Lock files stay: removing a file for which a standby waits would let two readers in. Where the file of a held lock
    was removed by hand, ``renew`` makes and locks the file again.
    """

    def __init__(self, journal: Path) -> None:
        self._folder = Path(os.path.realpath(journal) + ".locks")
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def held(self, group: str, badge: str = "") -> AsyncIterator[None]:
        """Wait as a standby until the lock is held, with four looks a second; show ``badge`` until leaving.

        Raises:
            QueueUnavailable: the lock file cannot be used.
        """
        with ExitStack() as stack:
            descriptor = stack.enter_context(self._file(group))
            while not (_try(group, descriptor, fcntl.LOCK_EX) and self._stands(group, descriptor)):
                await asyncio.sleep(_STANDBY_SECONDS)  # the end of a process is not announced
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
        """Look whether the files of all held locks still stand, and take a lock again whose file was removed.

        Raises:
            QueueUnavailable: a different process was quicker, and reads the same group now; so on every later call.
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
        """The badge that the lock's holder shows; empty without a holder. Raises as ``held``."""
        if not self.busy(group):
            return ""
        with self._file(group) as descriptor, _words(group):
            return os.pread(descriptor, _BADGE_BYTES, 0).decode(errors="replace")

    @contextmanager
    def taken(self, group: str) -> Iterator[bool]:
        """Hold the lock if the lock is free; False if the group is read. Raises as ``held``."""
        with self._file(group) as descriptor:
            yield _try(group, descriptor, fcntl.LOCK_EX)

    def busy(self, group: str) -> bool:
        """Whether the lock is held; asked with a shared lock, so that two who look at once are not taken for readers.

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
        """Whether the lock is held, or cannot be looked at."""
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
    """Raise what the operating system refuses as ``QueueUnavailable``."""
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
