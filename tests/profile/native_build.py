"""The native projector: the one of the build that is tested, or one that is compiled for these tests alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from compiled_build import ROOT, loaded, native_files

from exporter.profile.native.projector import built

if TYPE_CHECKING:
    from exporter.profile.native.projection import Projector


def native_projector(folder: Path) -> type[Projector]:
    """Skips the test where there is none, and no compiler either."""
    found = built()
    if found is None:
        hook = loaded("hatch_build", ROOT / "hatch_build.py")
        if (lacking := hook.what_is_lacking()) is not None:
            pytest.skip(f"{lacking} (Debian: gcc, python3-dev)")
        [library] = hook.compile_modules(ROOT, [], native_files(), folder)
        found = loaded("exporter.profile.native.projection", Path(library)).Projector
    return found
