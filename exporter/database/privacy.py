"""Keeps a database's files from other users: events are personal data."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FILES = ("", "-wal", "-shm")


def kept_private(path: Path) -> Iterator[str]:
    """Make private each file that is open to all users; yield a sentence for each where that fails.

    A file open to its group alone stays open: two users may share a file on purpose.
    """
    real = os.path.realpath(path)
    for end in _FILES:
        file = Path(real + end)
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & stat.S_IRWXO:
                file.chmod(stat.S_IRUSR | stat.S_IWUSR)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield (
                f"{file} is open to everybody (mode {mode:o}), and that cannot be changed ({error.strerror}): it holds "
                f"personal data; its owner should run: chmod 600 {file}"
            )
