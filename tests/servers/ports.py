"""Free ports of loopback for the servers that tests start.

Never one of those that the system gives to clients: a server may take seconds to listen, or be started again on its
port, and in a run that opens thousands of connections a client would have that port by then.
"""

from __future__ import annotations

import os
import random
import socket
from collections import deque
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_FIRST = 32_768
_LOWEST = 12_000
_TRIES = 1_000
#: Given lately, and maybe not listened on yet: who asks twice before a server has begun would get one port for two.
_LATELY: deque[int] = deque(maxlen=500)


def free_port() -> int:
    """A port at which nobody listens."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Ports at which nobody listens, all different."""
    first_of_clients = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _USUAL_FIRST
    if first_of_clients - _LOWEST < _TRIES:
        return _given(count)
    found: list[int] = []
    for port in random.sample(_of_this_worker(_LOWEST, first_of_clients), _TRIES):
        if len(found) == count:
            return found
        if port not in _LATELY and _is_free(port):
            found.append(port)
            _LATELY.append(port)
    raise AssertionError(f"no {count} free ports between {_LOWEST} and {first_of_clients}")


def _of_this_worker(first: int, end: int) -> range:
    """Every so many-th port: two workers that look at the same moment never find the same one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    every = workers if (end - first) // workers >= _TRIES else 1
    return range(first + worker % every, end, every)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _given(count: int) -> list[int]:
    """Where clients are given nearly all ports."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
