"""Why a file cannot be opened for writing, found out by trying the steps that SQLite will need, before SQLite does.

SQLite itself says only that a file cannot be opened. SQLite needs the folder too, for the log beside the file.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NoReturn

#: Errors that may pass in a moment: no room, no descriptors, no memory, a disk or server that fails.
PASSING: Final = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EIO,
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.ENOLCK,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
#: Errors of opening a nameless file where the system or the file system knows none.
_UNKNOWING: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.ENOSYS})
_DESCRIPTORS: Final = 8
_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


class Obstacle(Exception):
    """Why the file cannot be used, in words that go on after the file's name; stays until an operator acts."""


def make_way(path: Path) -> None:
    """Make the file and its folder if need be; return when both can be written.

    Args:
        path: the file itself, not a link.

    Raises:
        Obstacle: with the reason.
        OSError: an error that may pass.
    """
    _make_folder(path.parent)
    _refuse_another_kind(path)
    if not _has_side_files(path):
        _refuse_unwritable(path.parent)
    try:
        # Events are personal data, so no other user may read the file; SQLite gives its side files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        _raise(error, "it cannot be written")
    _refuse_other_names(path)


def descriptors_left() -> bool:
    """Whether this process can open a few more files, as many as a connection of SQLite needs."""
    with ExitStack() as stack:
        try:
            for _ in range(_DESCRIPTORS):
                stack.callback(os.close, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return False
    return True


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        for each in (folder, *folder.parents):
            if os.path.exists(each) and not os.path.isdir(each):  # noqa: PTH110, PTH112 - pathlib raises where it may not look
                raise Obstacle(f"{each} is a file, and no folder") from error
        _raise(error, f"its folder {folder} cannot be made")
    except OSError as error:
        _raise(error, f"its folder {folder} cannot be made")


def _refuse_another_kind(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        _raise(error, "it cannot be looked at")
    if stat.S_ISDIR(mode):
        raise Obstacle("it is a folder")
    if not stat.S_ISREG(mode):
        raise Obstacle("it is not a regular file")


def _has_side_files(path: Path) -> bool:
    """Whether both side files are there, as where another process has the file open: there is nothing to make."""
    return all(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))


def _refuse_unwritable(folder: Path) -> None:
    nameless: int | None = getattr(os, "O_TMPFILE", None)
    if nameless is not None:
        try:
            os.close(os.open(folder, nameless | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except OSError as error:
            if error.errno not in _UNKNOWING:
                _raise(error, f"its folder {folder} cannot be written")
        else:
            return
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise Obstacle(f"its folder {folder} cannot be written")


def _refuse_other_names(path: Path) -> None:
    """SQLite finds the log by the file's name: under another name SQLite would miss the log, and begin a second log."""
    names = path.stat().st_nlink
    if names > 1:
        raise Obstacle(
            f"it has {names} names (hard links), and each would get a log of its own: remove the others, or copy it"
        )
    if _is_mount_point(path):
        raise Obstacle("it is mounted alone, and its log would not stand beside it: mount its folder instead")


def _is_mount_point(path: Path) -> bool:
    try:
        mounts = os.fsdecode(_MOUNTS.read_bytes()).splitlines()
    except OSError:
        return False  # no Linux
    points = (mount.split(" ")[4] for mount in mounts)
    return str(path) in (_ESCAPED.sub(lambda found: chr(int(found[1], 8)), point) for point in points)


def _raise(error: OSError, what: str) -> NoReturn:
    if error.errno in PASSING:
        raise error
    raise Obstacle(f"{what}: {error.strerror}") from error
