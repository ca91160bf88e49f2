"""The command of the exporter, many times over, without paying for its imports each time.

A process has all modules of the exporter in memory, and becomes the command by forking for each one that is asked for:
arguments, folder, environment and the three standard streams are the caller's own. What matters of a start itself
(signals early on, imports, limits of the process, another encoding) is tested with the real ``python -m exporter``.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_MOST = 1 << 20


@functools.cache
def warm_command() -> list[str]:
    """What to put in the place of ``[sys.executable, "-m", "exporter"]``; the process behind it ends with this one."""
    folder = tempfile.mkdtemp(prefix="warm-")
    place = f"{folder}/socket"
    behind = subprocess.Popen(
        [sys.executable, __file__, "serve", place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    atexit.register(_end, behind, place)
    assert behind.stdout is not None
    assert behind.stdout.readline() == b"ready\n"
    return [sys.executable, "-I", "-S", __file__, "ask", place]


def _end(behind: subprocess.Popen[bytes], place: str) -> None:
    behind.terminate()
    behind.wait()
    Path(place).unlink(missing_ok=True)
    Path(place).parent.rmdir()


class WarmProcess:
    """The process of a command with the words behind its name, and what of ``subprocess.Popen`` tests use.

    Where the first word is a file of Python, that runs in place of the command. Its pid, its session, its folder and
    the three ``streams``, file descriptors, are its own. It is killed when this process ends.
    """

    def __init__(self, words: Sequence[str], streams: Sequence[int], folder: Path, environ: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._asking = _asked_for(warm_command()[-1], words, streams, folder, environ)
        self.pid = int(_line(self._asking))

    def poll(self) -> int | None:
        """The exit code, negative after a signal; None while it runs."""
        with suppress(TimeoutError):
            self._await(0)
        return self.returncode

    def wait(self, seconds: float) -> int:
        """The exit code. Raises subprocess.TimeoutExpired where it runs on for so long."""
        try:
            return self._await(seconds)
        except TimeoutError:
            raise subprocess.TimeoutExpired("exporter", seconds) from None

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _await(self, seconds: float) -> int:
        if self.returncode is None:
            if not select.select([self._asking], [], [], seconds)[0]:
                raise TimeoutError
            self.returncode = int(_line(self._asking))
            self._asking.close()
        return self.returncode


def _asked_for(
    place: str, words: Sequence[str], streams: Sequence[int], folder: Path, environ: Mapping[str, str]
) -> socket.socket:
    """Have the command run; what gives a line with its process id, and one with its exit code."""
    asked = {"words": [*words], "cwd": str(folder), "environ": dict(environ)}
    request = json.dumps(asked).encode("utf-8", "surrogateescape")
    asking = socket.socket(socket.AF_UNIX)
    asking.connect(place)
    descriptors = array.array("i", streams)
    asking.sendmsg([len(request).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    asking.sendall(request)
    return asking


def _line(asking: socket.socket) -> bytes:
    """The next line, whole; empty where the warm process has gone."""
    line = b""
    while not line.endswith(b"\n") and (byte := asking.recv(1)):
        line += byte
    return line


def _ask(place: str, words: list[str]) -> int:
    """Have the command run with the streams of this process; its exit code."""
    with _asked_for(place, words, (0, 1, 2), Path.cwd(), os.environ) as asking:
        _line(asking)
        code = int(_line(asking) or b"1")
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _serve(place: str) -> None:
    """Become the command whenever somebody asks, until standard input ends."""
    import exporter

    for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    asked: dict[int, socket.socket] = {}
    looking = selectors.DefaultSelector()
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(64)
        looking.register(listening, selectors.EVENT_READ, "ask")
        looking.register(sys.stdin, selectors.EVENT_READ, "end")
        looking.register(wake, selectors.EVENT_READ, "ended")
        print("ready", flush=True)
        while True:
            for key, _ in looking.select():
                if key.data == "end":
                    return
                if key.data == "ask":
                    _asked(listening, asked, looking)
                elif key.data == "ended":
                    wake.recv(4096)
                else:  # whoever asked has gone
                    looking.unregister(key.fileobj)
                    if key.data in asked:
                        os.kill(key.data, signal.SIGKILL)
            _answer(asked, looking)


def _asked(listening: socket.socket, asked: dict[int, socket.socket], looking: selectors.BaseSelector) -> None:
    asking, _ = listening.accept()
    head, ancillary, *_ = asking.recvmsg(8, socket.CMSG_SPACE(12))
    streams = array.array("i")
    streams.frombytes(ancillary[0][2])
    request = b""
    while len(request) < int.from_bytes(head, "big"):
        request += asking.recv(_MOST)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        looking.close()
        for each in (listening, asking, *asked.values()):
            each.close()
        _become(json.loads(request.decode("utf-8", "surrogateescape")), list(streams))
    for stream in streams:
        os.close(stream)
    asked[child] = asking
    with suppress(OSError):  # gone
        asking.sendall(f"{child}\n".encode())
    looking.register(asking, selectors.EVENT_READ, child)


def _answer(asked: dict[int, socket.socket], looking: selectors.BaseSelector) -> None:
    """Tell those whose command has ended."""
    for child in list(asked):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            asking = asked.pop(child)
            if asking in looking.get_map():
                looking.unregister(asking)
            with suppress(OSError):  # gone
                asking.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            asking.close()


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """The command, which ends this process."""
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), "utf-8", "surrogateescape")  # noqa: SIM115
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8", line_buffering=os.isatty(1))  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), "utf-8", "backslashreplace", line_buffering=True)  # noqa: SIM115
    sys.argv = ["exporter", *request["words"]]
    code: object = 0
    try:
        if sys.argv[1:] and sys.argv[1].endswith(".py"):
            del sys.argv[0]
            runpy.run_path(sys.argv[0], run_name="__main__")
        else:
            runpy.run_module("exporter", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for written in (sys.stdout, sys.stderr):
        try:
            written.flush()
        except OSError:
            code = code or 120
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(sys.argv[2])
    else:
        sys.exit(_ask(sys.argv[2], sys.argv[3:]))
