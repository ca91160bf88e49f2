"""The exporter in which one call fails once by an exception that nobody expects, and is as ever from then on.

Not a test. ``test_tasks_that_must_live.py`` starts it in place of the command. ``FAIL`` names the asynchronous function
(``module:Class.method``), ``FAIL_BY`` how it ends: by an ``error``, a ``cancelled`` that nobody asked for, or that it
``returns`` at once.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

from exporter.cli.app import main

Call = Callable[..., Awaitable[Any]]


def failing_once(real: Call, by: str) -> Call:
    """``real``, but for its first call."""
    left = [by]

    async def either(*arguments: Any, **named: Any) -> Any:
        if not left:
            return await real(*arguments, **named)
        how = left.pop()
        if how == "error":
            raise PermissionError(13, "Permission denied", "/data")
        if how == "cancelled":
            raise asyncio.CancelledError
        return None

    return either


if __name__ == "__main__":
    module, _, name = os.environ["FAIL"].partition(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    setattr(owner, last, failing_once(getattr(owner, last), os.environ["FAIL_BY"]))
    main()
