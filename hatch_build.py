"""The compiled build: hatchling's hook that has mypyc turn what every event passes through into a C extension.

Beside it the projector is compiled, which is written in C. The hook runs only where HATCH_BUILD_HOOK_ENABLE_CUSTOM=1
asks for it. The modules and all that is needed to compile them stand in ``pyproject.toml``, under
``[tool.hatch.build.targets.wheel.hooks.custom]``. Everything is made in a temporary
folder: a library left beside a source file would hide every later edit of it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Of the library that all compiled modules share; in the package, so that nothing stands beside it.
LIBRARY = "exporter.compiled"

#: The variable with the C compiler's level of optimization, else 3; what is only to be seen to work compiles soon at 0.
LEVEL = "MYPYC_OPT_LEVEL"


class CompiledBuild(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel, beside their sources, which tracebacks show."""

    _folder: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is for an editable install (``version``), which must follow its sources."""
        if version == "editable":
            self.app.display_warning("An editable install is never compiled.")
            return
        if (lacking := what_is_lacking()) is not None:
            self.app.abort(
                f"The compiled build needs {lacking}. Debian: apt-get install gcc python3-dev. "
                "Without HATCH_BUILD_HOOK_ENABLE_CUSTOM in the environment the build is plain Python and needs neither."
            )
        self._folder = TemporaryDirectory()
        modules, native = self.config["modules"], self.config["native"]
        built = compile_modules(Path(self.root), modules, native, Path(self._folder.name))
        build_data["force_include"].update(built)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel now holds."""
        if self._folder is not None:
            self._folder.cleanup()


def what_is_lacking() -> str | None:
    """What this machine lacks to compile for this Python, in words; None where nothing is."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "")
    if compiler and shutil.which(compiler[0]) is None:  # where Python names none, setuptools knows where to look
        return f"a C compiler: there is no {compiler[0]}"
    header = Path(sysconfig.get_path("include"), "Python.h")
    return None if header.exists() else f"Python's headers: there is no {header}"


def compile_modules(root: Path, modules: list[str], native: dict[str, str], folder: Path) -> dict[str, str]:
    """Compile Python files and the C files of ``native`` (by their modules' names), named relative to ``root``.

    Returns the path of every library made in ``folder``, and its place in the wheel: without one of ``native`` that
    cannot be compiled, since the exporter works without. Ends the process where mypy finds mistakes or the compiler
    fails at what mypyc wrote.
    """
    import setuptools  # before mypyc, which asks whether it is there
    from setuptools.command.build_ext import build_ext

    level = os.environ.get(LEVEL, "3")
    with contextlib.chdir(root):
        extensions = _of_mypyc(modules, folder, level) if modules else []
        for name, source in native.items():
            options = [f"-O{level}", "-fvisibility=hidden"]
            extensions.append(
                setuptools.Extension(name, [source], extra_compile_args=options, py_limited_api=True, optional=True)
            )
        command = build_ext(setuptools.Distribution({"ext_modules": extensions}))
        command.build_temp = str(folder / "objects")
        command.build_lib = str(folder / "libraries")
        command.ensure_finalized()
        command.run()
    made = [path for path in command.get_outputs() if Path(path).exists()]
    return {path: Path(path).relative_to(command.build_lib).as_posix() for path in made}


def _of_mypyc(modules: list[str], folder: Path, level: str) -> list[Any]:
    from mypyc.build import mypycify

    # The types that the sources state, and no settings of ours: what is only style must not break an installation.
    options = ["--config-file=", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    extensions: list[Any] = mypycify(
        [*options, *modules], target_dir=str(folder / "c"), group_name=LIBRARY, debug_level="0", opt_level=level
    )
    for extension in extensions:  # mypyc has asked for errors instead, and a newer compiler has new warnings
        extension.extra_compile_args.append("-Wno-error")
    return extensions
