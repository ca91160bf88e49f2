"""A single reader per group over all processes of a machine: an exclusive lock on a file named after the group.

The operating system releases the lock when the process ends, however that happens.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from exporter.database import FileLost, FileReplaced, FirstSeen
from exporter.queues.port import QueueUnavailable

_STANDBY_SECONDS = 0.25
_BADGE_BYTES = 256


class _Replaced(QueueUnavailable):
    """A different file stands where the journal was."""


@dataclass(slots=True)
class _Held:
    """A held lock. ``descriptor`` is of the file that stands now; earlier descriptors are closed with ``stack``."""

    descriptor: int
    badge: str
    stack: ExitStack
    given_up: bool = False
    lost: bool = False


def _group(group: str) -> str:
    return f"group {group}"


class Leases:
    """The folder of lock files beside a journal: beside the real file, by whatever link the journal was opened.

    Lock files stay: removing a file for which a standby waits would let two readers in. Where the file of a held lock
    was removed by hand, ``renew`` makes and locks the file again.

    While the journal is not where it was opened, nothing is made in its place: the folder will be put back there, or
    belongs to a new journal. The reader of a new journal would wait for our locks in vain, so they are given up.
    """

    def __init__(self, journal: Path, what: Callable[[str], str] = _group) -> None:
        """Give the locks of the journal, or another database, that stands at ``journal`` now.

        ``what`` says for people what the holder of a group's lock does or is.

        Raises:
            FileLost: the file is not there, or cannot be looked at.
        """
        real = os.path.realpath(journal)
        self._journal = FirstSeen(Path(real))
        self._folder = Path(real + ".locks")
        self._held: dict[str, _Held] = {}
        self._what = what

    @asynccontextmanager
    async def held(self, group: str, badge: str = "") -> AsyncIterator[None]:
        """Wait as a standby until the lock is held, with four looks a second; show ``badge`` until leaving.

        Raises:
            QueueUnavailable: the lock file cannot be used, or the journal was taken away.
        """
        with ExitStack() as stack:
            descriptor = stack.enter_context(self._file(group))
            while not (_try(self._what(group), descriptor, fcntl.LOCK_EX) and self._stands(group, descriptor)):
                await asyncio.sleep(_STANDBY_SECONDS)  # the end of a process is not announced
                self._refuse_another_journal()
                if not self._stands(group, descriptor):
                    stack.close()
                    descriptor = stack.enter_context(self._file(group))
            self._refuse_another_journal()  # its reader may just have given the lock up for that reason
            _show(descriptor, badge)
            self._held[group] = _Held(descriptor, badge, stack)
            try:
                yield
            finally:
                del self._held[group]

    def renew(self) -> None:
        """Look whether the files of all held locks still stand, and take a lock again whose file was removed.

        Raises:
            QueueUnavailable: the journal was taken away; or a different process was quicker, and reads the same group
                now: so on every later call.
        """
        try:
            self._refuse_another_journal()
        except _Replaced:
            self._give_up()
            raise
        for group, held in self._held.items():
            if held.lost:
                raise QueueUnavailable(_taken_away(self._what(group)))
            stands = self._stands(group, held.descriptor)
            if stands and not held.given_up:
                continue
            descriptor = held.descriptor if stands else held.stack.enter_context(self._file(group))
            if not _try(self._what(group), descriptor, fcntl.LOCK_EX):
                held.lost = True
                raise QueueUnavailable(_taken_away(self._what(group)))
            held.descriptor = descriptor
            held.given_up = False
            _show(descriptor, held.badge)

    def _give_up(self) -> None:
        for group, held in self._held.items():
            if not held.given_up:
                _try(self._what(group), held.descriptor, fcntl.LOCK_UN)
                held.given_up = True

    def badge(self, group: str) -> str:
        """The badge that the lock's holder shows; empty without a holder. Raises as ``held``."""
        if not self.busy(group):
            return ""
        with self._file(group) as descriptor, _words(self._what(group)):
            return os.pread(descriptor, _BADGE_BYTES, 0).decode(errors="replace")

    @contextmanager
    def taken(self, group: str) -> Iterator[bool]:
        """Hold the lock if the lock is free; False if the group is read. Raises as ``held``."""
        with self._file(group) as descriptor:
            yield _try(self._what(group), descriptor, fcntl.LOCK_EX)

    def busy(self, group: str) -> bool:
        """Whether the lock is held; asked with a shared lock, so that two who look at once are not taken for readers.

        Raises as ``held``.
        """
        with _words(self._what(group)):
            try:
                self._path(group).stat()
            except FileNotFoundError:
                return False
        with self._file(group) as descriptor:
            return not _try(self._what(group), descriptor, fcntl.LOCK_SH)

    def maybe_busy(self, group: str) -> bool:
        """Whether the lock is held, or cannot be looked at."""
        try:
            return self.busy(group)
        except QueueUnavailable:
            return True

    def refuse_unusable(self, group: str) -> None:
        """Return if the lock could be taken or waited for; nothing is made. Raises as ``held``."""
        with _words(self._what(group)):
            try:
                os.close(os.open(self._path(group), os.O_RDWR | os.O_CLOEXEC))
            except FileNotFoundError:
                if self._folder.exists():
                    _refuse_unwritable(self._folder)

    def _stands(self, group: str, descriptor: int) -> bool:
        with _words(self._what(group)):
            try:
                status = self._path(group).stat()
            except FileNotFoundError:
                return False
            return os.path.samestat(status, os.fstat(descriptor))

    def _refuse_another_journal(self) -> None:
        try:
            self._journal.refuse_another()
        except FileReplaced as error:
            raise _Replaced(error.reason) from error
        except FileLost as error:
            raise QueueUnavailable(error.reason) from error

    def _path(self, group: str) -> Path:
        return self._folder / sha256(group.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @contextmanager
    def _file(self, group: str) -> Iterator[int]:
        self._refuse_another_journal()
        with _words(self._what(group)):
            self._folder.mkdir(mode=0o700, exist_ok=True)  # never the folder of the journal
            descriptor = os.open(self._path(group), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _refuse_unwritable(folder: Path) -> None:
    """Raise OSError if no file can be made in ``folder``."""
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _show(descriptor: int, badge: str) -> None:
    with suppress(OSError):  # a full disk is no reason not to read
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, badge.encode(), 0)


def _taken_away(what: str) -> str:
    return (
        f"the lock of {what} was removed while it was held, or its database was replaced, and another process "
        "has taken it since: start the exporter again"
    )


@contextmanager
def _words(what: str) -> Iterator[None]:
    """Raise what the operating system refuses as ``QueueUnavailable``."""
    try:
        yield
    except OSError as error:
        raise QueueUnavailable(f"the lock of {what} cannot be used: {error}") from error


def _try(what: str, descriptor: int, kind: int) -> bool:
    with _words(what):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
