"""What the tests of the projector share: it is compiled once."""

from __future__ import annotations

from typing import Any

import pytest
from native_build import native_projector


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return native_projector(tmp_path_factory.mktemp("native"))
