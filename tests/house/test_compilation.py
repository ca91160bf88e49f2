"""The compiled build: what it compiles exists, nobody takes the other for it, and it says what it lacks.

``make test-compiled`` runs this file, too, and the tests of all that is compiled.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import compiled_build
import pytest
from compiled_build import ROOT, loaded, native_files
from warm_command import warm_command

from exporter import __version__
from exporter.profile.native.projector import built
from exporter.telemetry.compilation import compiled

EXPECTED = bool(os.environ.get("EXPORTER_EXPECT_COMPILED"))
#: As for somebody who has no compiled build in reach: from the editable installation.
PURE = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}


def test_every_file_of_the_list_exists_and_stands_there_once() -> None:
    listed = compiled_build.files()
    assert [file for file in listed if not (ROOT / file).is_file()] == []
    assert sorted(set(listed)) == listed


def test_the_projector_is_compiled_with_the_others_and_only_then() -> None:
    assert [file for file in native_files().values() if not (ROOT / file).is_file()] == []
    assert (built() is not None) == EXPECTED


def test_what_is_written_in_c_falls_out_where_it_cannot_be_compiled(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sound.c").write_text("int PyInit_sound(void) { return 0; }")
    (tmp_path / "broken.c").write_text("#error of this compiler")
    hook = loaded("hatch_build", ROOT / "hatch_build.py")
    if (lacking := hook.what_is_lacking()) is not None:
        pytest.skip(f"{lacking} (Debian: gcc, python3-dev)")
    listed = {"exporter.sound": "sound.c", "exporter.broken": "broken.c"}
    made = hook.compile_modules(tmp_path, [], listed, tmp_path / "made").values()
    assert [place.partition(".")[0] for place in made] == ["exporter/sound"]
    assert "of this compiler" in capfd.readouterr().err


def test_what_tells_of_the_build_is_compiled_with_the_others() -> None:
    assert "exporter/telemetry/compilation.py" in compiled_build.files()


def test_what_is_compiled_defines_no_class_that_mypyc_would_change() -> None:
    """It drops the words in a class's head: a ``msgspec.Struct`` would lose its names, or that it is frozen."""
    heads = [
        f"{file}: {node.name}"
        for file in compiled_build.files()
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and (node.keywords or any("Struct" in ast.unparse(base) for base in node.bases))
    ]
    assert heads == []


def test_nothing_compiled_stands_beside_the_sources() -> None:
    """It would hide every later edit of its source file."""
    assert [*(ROOT / "exporter").rglob("*.so"), *(ROOT / "exporter").rglob("*.pyd")] == []


@pytest.mark.parametrize("command", [lambda: [sys.executable, "-m", "exporter"], warm_command], ids=["started", "warm"])
def test_the_command_says_which_build_it_is(command: Callable[[], list[str]]) -> None:
    assert compiled() == EXPECTED
    ran = subprocess.run([*command(), "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"exporter {__version__}{' (compiled)' if EXPECTED else ''}\n"


def test_a_run_that_expects_the_compiled_build_refuses_the_other() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/house/test_order.py"],
        cwd=ROOT, env=PURE | {"EXPORTER_EXPECT_COMPILED": "1"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR, ran.stdout
    assert "not the compiled build: exporter.dataflow.attempt is " in ran.stderr
    assert "passed" not in ran.stdout


@pytest.mark.parametrize(("says", "mistakes"), [("exporter 1 (compiled)", 0), ("exporter 1", 1), ("", 1)])
def test_a_child_that_is_another_build_is_noticed(says: str, mistakes: int) -> None:
    assert len(compiled_build.mistakes_of_a_child((sys.executable, "-c", f"print({says!r})"))) == mistakes


class TestTheHook:
    """Of the build, in a copy of what it needs and without compiling anything."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, tmp_path)
        (tmp_path / "exporter").mkdir()
        shutil.copy(ROOT / "exporter/__init__.py", tmp_path / "exporter")
        return tmp_path

    def build(self, source: Path, target: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Runs hatchling; with what it made."""
        ran = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", source / "made"],
            cwd=source, env=PURE | environ, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return ran, [file.name for file in source.glob("made/*")]

    def test_no_compiler(self, source: Path) -> None:
        ran, made = self.build(source, "wheel", CC="no-such-compiler -pthread", HATCH_BUILD_HOOK_ENABLE_CUSTOM="1")
        assert ran.returncode == 1
        assert "needs a C compiler: there is no no-such-compiler. Debian: apt-get install gcc python3-dev" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert made == []

    @pytest.mark.parametrize(
        ("target", "environ"),
        [
            pytest.param("wheel", {}, id="nobody asked for the compiled one"),
            pytest.param("wheel:editable", {"HATCH_BUILD_HOOK_ENABLE_CUSTOM": "1"}, id="an editable one never is"),
        ],
    )
    def test_plain_python_needs_no_compiler(self, source: Path, target: str, environ: dict[str, str]) -> None:
        ran, made = self.build(source, target, CC="no-such-compiler", **environ)
        assert ran.returncode == 0, ran.stderr
        assert made == [f"profile_exporter-{__version__}-py3-none-any.whl"]
