"""A disk that cannot be read: SQLite's own way to its files, with faults put into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


class Faults:
    """While ``reading`` is True, nothing can be read from any file that was opened through this."""

    reading = False


class _File(apsw.VFSFile):
    def __init__(self, faults: Faults, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._faults = faults

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._faults.reading:
            raise apsw.IOError
        return super().xRead(amount, offset)


class _Disk(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        super().__init__("failing", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self._faults, name, flags)


@contextmanager
def failing_disk() -> Iterator[Faults]:
    """What is opened meanwhile is opened through it."""
    faults = Faults()
    disk = _Disk(faults)
    try:
        yield faults
    finally:
        faults.reading = False
        disk.unregister()
