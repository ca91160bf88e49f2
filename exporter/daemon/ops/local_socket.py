"""The socket for the commands on this machine: what the ops port answers, for the user of the daemon alone."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from exporter.daemon.ops.answers import Desk, answering
from exporter.daemon.ops.bounded_server import BoundedServer
from exporter.daemon.ops.by_hand import owners
from exporter.daemon.ops.port import MOST_CONNECTIONS, SHUTDOWN_SECONDS
from exporter.sections.printable import printable
from exporter.settings.local_socket import make_folder
from exporter.tasks.background import for_ever, in_background
from exporter.tasks.off_loop import off_loop

#: How often a missing socket is tried for: the daemon that had it may have ended, or somebody cleaned the folder.
TRY_SECONDS: Final = 5.0
#: The wait before the first of these tries; each wait doubles.
FIRST_TRY_SECONDS: Final = 0.5
_MODE: Final = 0o600


class _NotNow(Exception):
    """The socket cannot be had at this moment; the text says why."""


@asynccontextmanager
async def serve_locally(paths: Sequence[Path], desk: Desk, parent: int | None = None) -> AsyncIterator[None]:
    """Serve on a socket until the context ends, which takes the socket away; nothing without ``paths``.

    The socket is at the first of ``paths`` that no other process has. A socket that nobody listens on is replaced,
    that of a living process is not. That the first cannot be had is logged as a warning, once for each reason, and it
    is tried for again from time to time. ``parent`` is as of ``owners``.
    """
    if not paths:
        yield
        return
    server = BoundedServer(answering(desk, owners(parent)), most_connections=MOST_CONNECTIONS)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    place = _Place(paths, server, desk)
    try:
        # The state's folder may be made only when the state is opened: that is no news.
        await place.take(quietly=not await off_loop(paths[0].parent.is_dir))
        async with in_background(partial(for_ever, place.keep, place.warn)):
            yield
    finally:
        place.leave()
        await runner.cleanup()


class _Place:
    """The name of the socket in its folder, one of ``paths``."""

    def __init__(self, paths: Sequence[Path], server: BoundedServer, desk: Desk) -> None:
        self._paths = paths
        self._path = paths[0]  # where it is, or was last
        self._server = server
        self._log = desk.log
        self._listening: asyncio.Server | None = None
        self._made: tuple[int, int] | None = None
        self._told: str | None = None

    async def keep(self) -> None:
        """Take the place again whenever it is lost, or a better one becomes free."""
        seconds = FIRST_TRY_SECONDS
        while True:
            await asyncio.sleep(seconds)
            seconds = min(2 * seconds, TRY_SECONDS)
            # In a thread: a disk that hangs must not keep exports from going on.
            if self._made is None or await off_loop(_identity, self._path) != self._made:
                self.leave()
                await self.take()
            elif self._path != self._paths[0]:
                await self.take()

    async def take(self, *, quietly: bool = False) -> None:
        """Listen at a better place than now; that the best one cannot be had is logged, unless ``quietly``."""
        why = None
        for path in self._paths:
            if self._made is not None and path == self._path:
                return
            try:
                opened = _bound(path)
            except _NotNow as error:
                why = why or str(error)
                continue
            except OSError as error:
                why = why or _reason(error)
                break
            self.leave()
            self._path, self._made = path, _identity(path)
            self._listening = await asyncio.get_running_loop().create_unix_server(self._server, sock=opened)
            break
        if not quietly:
            if why is not None and why != self._told:
                self.warn(why)
            self._told = why

    def warn(self, why: str) -> None:
        """Log why there is no socket at the first place, and where it is instead."""
        instead = {} if self._made is None else {"instead": printable(str(self._path))}
        self._log.warning("no socket", path=printable(str(self._paths[0])), detail=why, **instead)

    def leave(self) -> None:
        """Stop listening, and take the socket away if it is still this process's."""
        if self._listening is not None:
            if self._made is not None and _identity(self._path) == self._made:
                with suppress(OSError):
                    self._path.unlink()
            self._listening.close()
        self._listening = self._made = None


def _bound(path: Path) -> socket.socket:
    """A socket that listens at ``path``, which only its owner may open.

    Raises:
        OSError: the system refuses it.
        _NotNow: the path is taken.
    """
    make_folder(path)
    _clear(path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Before it has a name, so that there is no moment in which others may open it; Linux keeps the mode.
        os.fchmod(opened.fileno(), _MODE)
        opened.bind(str(path))
        path.chmod(_MODE)
        opened.listen(MOST_CONNECTIONS)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _clear(path: Path) -> None:
    """Take away a socket that nobody listens on. Raises as ``_bound``."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise _NotNow("something else has this name, and it is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        code = asking.connect_ex(str(path))
    if code in (0, errno.EAGAIN, errno.EINPROGRESS):
        raise _NotNow("another process serves it")
    if code != errno.ECONNREFUSED:
        raise OSError(code, os.strerror(code))
    with suppress(FileNotFoundError):
        path.unlink()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _reason(error: Exception) -> str:
    """Why, in words; Python has the only ones for a path that is too long."""
    return getattr(error, "strerror", None) or str(error)
