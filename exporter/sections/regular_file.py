"""Reads a file that the operator names: only a regular file, up to a bound, with a stamp that tells later changes."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

#: The bounds for a secret, for a file of certificates, and for a file of the configuration or its catalogue.
SECRET_BYTES = 1024**2
TLS_BYTES = 16 * 1024**2
CONFIGURATION_BYTES = 64 * 1024**2

#: Changes when the file is written, replaced, or made readable. Links are followed, since Kubernetes swaps links.
Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file's content, and its stamp from before the reading: a change during the reading counts as a later change."""

    content: bytes = field(repr=False)
    stamp: Stamp


def read_regular(file: Path, most_bytes: int) -> FileRead:
    """Read a regular file; a pipe, which may never end, and a device are refused.

    Raises:
        OSError: the file cannot be read, or is larger than ``most_bytes``; ``strerror`` says why.
    """
    try:
        # Opening a device may do something, so the file is looked at before.
        _refuse(file.stat(), most_bytes)
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError:
        raise OSError(errno.EINVAL, "a path cannot hold NUL") from None
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        _refuse(status, most_bytes)
        content = opened.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise _too_large(most_bytes)
    return FileRead(content, _stamp(status))


def stamp_of(file: Path) -> Stamp | None:
    """The stamp of the file now; None where the file cannot be looked at."""
    try:
        return _stamp(file.stat())
    except (OSError, ValueError):
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _refuse(status: os.stat_result, most_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if status.st_size > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {most_bytes // 1024**2} MiB")
