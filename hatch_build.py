"""The compiled build: hatchling's hook that has mypyc turn what every event passes through into a C extension.

Beside it the projector is compiled, which is written in C. A wheel has both where this machine can compile for this
Python; where it cannot, the wheel is plain Python, and says why. The modules and all that is needed to compile them
stand in ``pyproject.toml``, under ``[tool.hatch.build.targets.wheel.hooks.custom]``. Everything is made in a temporary
folder: a library left beside a source file would hide every later edit of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sysconfig
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Of the library that all compiled modules share; in the package, so that nothing stands beside it.
LIBRARY = "exporter.compiled"

#: Where a wheel says what of it was not compiled, and why; ``exporter/telemetry/build.py`` reads it.
NOTE = "exporter/telemetry/build.json"

#: The variable that decides whether to compile. 0: nothing is; 1: all is, or there is no wheel; else what can be.
COMPILE = "EXPORTER_COMPILE"
#: hatchling's own, which asks for it as ``EXPORTER_COMPILE=1`` does.
FORMER = "HATCH_BUILD_HOOK_ENABLE_CUSTOM"

#: The variable with the C compiler's level of optimization, else 3; what is only to be seen to work compiles soon at 0.
LEVEL = "MYPYC_OPT_LEVEL"


class CompiledBuild(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel, beside their sources, which tracebacks show."""

    _folder: TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """What compiling needs beside hatchling, such as types of what the modules import; none for a plain wheel."""
        return [] if self._why_not() else [*self.config["compiler"], *self.metadata.core.dependencies]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is for an editable install (``version``), which must follow its sources."""
        if version == "editable":
            if demanded():
                self.app.display_warning("An editable install is never compiled.")
            return
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        built, missing = self._built(folder)
        note = folder / "build.json"
        note.write_text(json.dumps(missing), encoding="utf-8")
        build_data["force_include"].update({**built, str(note): NOTE})
        build_data["pure_python"] = not built
        build_data["infer_tag"] = bool(built)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel now holds."""
        if self._folder is not None:
            self._folder.cleanup()

    def _why_not(self) -> str | None:
        """Why nothing is to be compiled; None where it is. Ends the build where nobody can tell what was asked for."""
        if (asked := os.environ.get(COMPILE, "")) not in ("", "0", "1"):
            self.app.abort(
                f"{COMPILE} is {asked!r}: 0 compiles nothing; 1 all, or there is no build; empty, what can be."
            )
        return f"{COMPILE}=0 was set" if asked == "0" else what_is_lacking()

    def _built(self, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        """Every library, with its place in the wheel; and why there are no ``modules`` or no ``projector`` in it."""
        why = self._why_not() or compiler_fails(folder)
        if why is not None:
            if demanded():
                self.app.abort(
                    f"The compiled build was asked for, but {why}. Debian: apt-get install gcc python3-dev. "
                    f"Without {COMPILE} and {FORMER} in the environment the build is plain Python and needs neither."
                )
            self.app.display_warning(f"The build is plain Python: {why}.")
            return {}, {"modules": why, "projector": why}
        built: dict[str, str] = {}
        missing: dict[str, str] = {}
        for part, modules, native in (
            ("modules", self.config["modules"], {}),
            ("projector", [], self.config["native"]),
        ):
            try:
                built |= compile_modules(Path(self.root), modules, native, folder / part)
            # mypyc and setuptools end the process where sources or compiler fail.
            except (Exception, SystemExit) as failed:
                traceback.print_exc()
                missing[part] = f"the {part} could not be compiled: {in_a_sentence(failed)}"
                if demanded():
                    self.app.abort(f"The compiled build was asked for, but {missing[part]}. What was said is above.")
                self.app.display_warning(f"Python does a part of the work: {missing[part]}.")
        return built, missing


def demanded() -> bool:
    """Whether a wheel that is not compiled is of no use."""
    return os.environ.get(COMPILE) == "1" or (os.environ.get(FORMER) == "1" and os.environ.get(COMPILE) != "0")


def what_is_lacking() -> str | None:
    """What this machine lacks to compile for this Python, in words; None where nothing is."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "")
    if compiler and shutil.which(compiler[0]) is None:  # where Python names none, setuptools knows where to look
        return f"there was no C compiler ({compiler[0]})"
    header = Path(sysconfig.get_path("include"), "Python.h")
    return None if header.exists() else f"there were no headers of Python ({header})"


def in_a_sentence(failed: BaseException) -> str:
    """Why a compilation failed, in a few words of one line, which the finished build goes on saying."""
    if isinstance(failed, SystemExit):
        return "mypy found mistakes"
    cause: BaseException | None = failed
    while cause is not None and not isinstance(cause, subprocess.CalledProcessError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return f"{Path(cause.cmd[0]).name} ended with exit code {cause.returncode}"
    return (str(failed).partition("\n")[0] or type(failed).__name__)[:200]


def compiler_fails(folder: Path) -> str | None:
    """Why the C compiler is of no use, found out before mypyc has worked for a minute; None where it compiles."""
    (folder / "least.c").write_text("#include <Python.h>\nint PyInit_least(void) { return 0; }\n", encoding="utf-8")
    try:
        compile_modules(folder, [], {"least": "least.c"}, folder / "least")
    except ImportError as absent:
        return f"{absent.name} was not installed"
    except (Exception, SystemExit) as failed:
        return f"the C compiler failed: {in_a_sentence(failed)}"
    return None


def compile_modules(root: Path, modules: list[str], native: dict[str, str], folder: Path) -> dict[str, str]:
    """Compile Python files and the C files of ``native`` (by their modules' names), named relative to ``root``.

    Returns the path of every library made in ``folder``, and its place in the wheel.

    Raises:
        Exception, SystemExit: mypy finds mistakes, or the compiler fails.
    """
    import setuptools  # before mypyc, which asks whether it is there
    from setuptools.command.build_ext import build_ext

    level = os.environ.get(LEVEL, "3")
    with contextlib.chdir(root):
        extensions = _of_mypyc(modules, folder, level) if modules else []
        for name, source in native.items():
            options = [f"-O{level}", "-fvisibility=hidden"]
            extensions.append(setuptools.Extension(name, [source], extra_compile_args=options, py_limited_api=True))
        command = build_ext(setuptools.Distribution({"ext_modules": extensions}))
        command.build_temp = str(folder / "objects")
        command.build_lib = str(folder / "libraries")
        command.ensure_finalized()
        command.run()
    return {path: Path(path).relative_to(command.build_lib).as_posix() for path in command.get_outputs()}


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
