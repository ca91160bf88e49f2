"""Where the socket for the commands on this machine is; daemon and commands find the same place."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from exporter.settings.tree import Settings
from exporter.state.sqlite.settings import SqliteSettings

#: Bytes of a path that leave room for the number of a shard in the 103 that every system takes for a socket.
LONGEST: Final = 94
#: Bytes of a path that this system takes for a socket.
MOST: Final = 107 if sys.platform == "linux" else 103
_SHARE: Final = re.compile(r"\.([0-9]+)-of-([0-9]+)")


def socket_paths(settings: Settings, config: Path) -> tuple[Path, ...]:
    """Where the socket may be of a daemon that runs the configuration in the file ``config``, the best place first.

    A further place is for a daemon whose first place another daemon has. There is none where it is to have no socket.
    """
    place = settings.ops.socket
    if place is None or isinstance(place, Path):
        return () if place is None else (place,)
    own = _folder() / f"exporter-{_digest(config)}.sock"
    if isinstance(settings.state, SqliteSettings):
        beside = Path.cwd() / settings.state.path.with_name(f"{settings.state.path.name}.sock")
        if len(os.fsencode(beside)) <= LONGEST:
            return beside, own
    return (own,)


def of_serve(whole: Path) -> Path:
    """The socket of the process that takes records, beside that of the process that exports."""
    return whole.with_name(f"{whole.name}.serve")


def of_share(whole: Path, number: int, count: int) -> Path:
    """The socket of the process that runs share ``number`` of ``count``, beside that of a process that runs all."""
    return whole.with_name(f"{whole.name}.{number}-of-{count}")


def sockets_of_shares(whole: Path) -> list[Path]:
    """The sockets that are there of processes that run a share, in the order of their numbers."""
    found = []
    with suppress(OSError):
        for path in whole.parent.iterdir():
            named = _SHARE.fullmatch(path.name.removeprefix(whole.name))
            if named is not None and path.name.startswith(whole.name) and is_ours(path):
                found.append((int(named[2]), int(named[1]), path))
    return [path for *_, path in sorted(found)]


def make_folder(path: Path) -> None:
    """Make the folder of a socket whose folder is in the temporary folder, where everybody may make one of any name.

    Raises:
        OSError: there is one, and it is not this user's alone.
    """
    folder = path.parent
    if folder == _temporary():
        folder.mkdir(mode=0o700, exist_ok=True)
        if not _is_private(folder):
            raise PermissionError(f"the folder {folder} is not this user's alone")


def is_ours(path: Path) -> bool:
    """Whether a socket may be at ``path``, and is not one that somebody else put there for us to be fooled."""
    try:
        there = stat.S_ISSOCK(path.lstat().st_mode)
        return there and (path.parent != _temporary() or _is_private(path.parent))
    except OSError:
        return False


def _is_private(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _folder() -> Path:
    """The runtime folder of the user, else one in the temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.getuid() == 0 else f"/run/user/{os.getuid()}")
    folder = Path(runtime)
    return folder if folder.is_absolute() and os.access(folder, os.W_OK | os.X_OK) else _temporary()


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"exporter-{os.getuid()}"


def from_root(config: Path) -> str:
    """The configuration's path from the root on; no link is resolved, since a link may be turned while it runs."""
    return os.path.abspath(config.expanduser())  # noqa: PTH100 (pathlib keeps "..")


def _digest(config: Path) -> str:
    return hashlib.sha256(os.fsencode(from_root(config))).hexdigest()[:12]
