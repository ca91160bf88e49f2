"""Processes that are like anybody else: root passes every check of permissions by a capability."""

from __future__ import annotations

import os
import shutil

import pytest

LIKE_ANYBODY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()

needs_setpriv = pytest.mark.skipif(
    bool(LIKE_ANYBODY) and shutil.which("setpriv") is None,
    reason="root may do everything, and setpriv is not installed",
)
