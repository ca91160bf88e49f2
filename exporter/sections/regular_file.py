"""Reads a file that the operator names: regular ones only, up to a bound, with what tells that it changes later."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

#: A secret, a file of certificates, and a file of the configuration or its catalogue.
SECRET_BYTES = 1024**2
TLS_BYTES = 16 * 1024**2
CONFIGURATION_BYTES = 64 * 1024**2

#: Another one: the file was written, replaced, or made readable. It follows links, as Kubernetes swaps them.
Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a file held, and its stamp from before it was read: a change while it is read is one that comes later."""

    content: bytes = field(repr=False)
    stamp: Stamp


def read_regular(file: Path, most_bytes: int) -> FileRead:
    """Read a file. Neither a pipe, which may never end, nor a device is one.

    Raises:
        OSError: it cannot be read; ``strerror`` says why.
    """
    try:
        # Opening a device may do something, so it is looked at before.
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
    """The stamp of the file as it is now; None where there is none to be had."""
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
