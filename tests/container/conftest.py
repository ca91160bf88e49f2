"""Helm, for the tests of the chart."""

from __future__ import annotations

from pathlib import Path

import helm
import pytest


@pytest.fixture(scope="session")
def helm_program() -> Path:
    """Built where it is not there yet."""
    return helm.needed()
