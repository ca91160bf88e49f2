"""The compiled build: what it compiles exists, nobody takes the other for it, and it says what it lacks.

``make test-compiled`` runs this file, too, and the tests of all that is compiled.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import compiled_build
import pytest
from compiled_build import ROOT, loaded, native_files
from warm_command import warm_command

from exporter import __version__
from exporter.profile.native.projector import built
from exporter.telemetry.build import NO_NOTE
from exporter.telemetry.compilation import compiled

EXPECTED = bool(os.environ.get("EXPORTER_EXPECT_COMPILED"))
#: As for somebody who has no compiled build in reach: from the editable installation.
_NOT_PURE = ("PYTHONPATH", "PYTHONSAFEPATH", "EXPORTER_COMPILE", "HATCH_BUILD_HOOK_ENABLE_CUSTOM", "MYPYC_OPT_LEVEL")
PURE = {name: value for name, value in os.environ.items() if name not in _NOT_PURE}


def test_every_file_of_the_list_exists_and_stands_there_once() -> None:
    listed = compiled_build.files()
    assert [file for file in listed if not (ROOT / file).is_file()] == []
    assert sorted(set(listed)) == listed


def test_the_projector_is_compiled_with_the_others_and_only_then() -> None:
    assert [file for file in native_files().values() if not (ROOT / file).is_file()] == []
    assert (built() is not None) == EXPECTED


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
    words = "compiled, native projector" if EXPECTED else f"plain Python: {NO_NOTE}"
    assert ran.stdout == f"exporter {__version__} ({words})\n"


def test_a_run_that_expects_the_compiled_build_refuses_the_other() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/house/test_order.py"],
        cwd=ROOT, env=PURE | {"EXPORTER_EXPECT_COMPILED": "1"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR, ran.stdout
    assert "not the compiled build: exporter.dataflow.attempt is " in ran.stderr
    assert "passed" not in ran.stdout


@pytest.mark.parametrize(
    ("says", "mistakes"),
    [
        ("exporter 1 (compiled, native projector)", 0),
        ("exporter 1 (compiled, projector in Python: why)", 1),
        ("exporter 1 (plain Python: why)", 1),
        ("", 1),
    ],
)
def test_a_child_that_is_another_build_is_noticed(says: str, mistakes: int) -> None:
    assert len(compiled_build.mistakes_of_a_child((sys.executable, "-c", f"print({says!r})"))) == mistakes


class TestTheHook:
    """Of the build, in a copy of what it needs, whose only compiled module and whose C are tiny."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        for name in ("hatch_build.py", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, tmp_path)
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        head, _, listed = project.partition("\nmodules = [\n")
        rest = listed.partition("\n]\n")[2]
        (tmp_path / "pyproject.toml").write_text(f'{head}\nmodules = ["exporter/tiny.py"]\n{rest}', encoding="utf-8")
        native = tmp_path / "exporter/profile/native"
        native.mkdir(parents=True)
        shutil.copy(ROOT / "exporter/__init__.py", tmp_path / "exporter")
        (tmp_path / "exporter/tiny.py").write_text("def one() -> int:\n    return 1\n")
        (native / "module.c").write_text("int PyInit_projection(void) { return 0; }\n")
        (tmp_path / "exporter/telemetry").mkdir()
        return tmp_path

    def build(self, source: Path, target: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Runs hatchling; with what it made."""
        ran = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", source / "made"],
            cwd=source, env=PURE | {"MYPYC_OPT_LEVEL": "0"} | environ, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        return ran, [file.name for file in source.glob("made/*")]

    def inside(self, source: Path) -> tuple[list[str], dict[str, str]]:
        """The libraries of the wheel that was made, and what it says of the others."""
        [made] = source.glob("made/*.whl")
        with zipfile.ZipFile(made) as wheel:
            libraries = [name for name in wheel.namelist() if name.endswith(tuple(EXTENSION_SUFFIXES))]
            missing: dict[str, str] = json.loads(wheel.read("exporter/telemetry/build.json"))
        return sorted(name.partition(".")[0] for name in libraries), missing

    @pytest.mark.parametrize("asked", ["EXPORTER_COMPILE", "HATCH_BUILD_HOOK_ENABLE_CUSTOM"])
    def test_no_compiler_where_it_was_asked_for(self, source: Path, asked: str) -> None:
        ran, made = self.build(source, "wheel", CC="no-such-compiler -pthread", **{asked: "1"})
        assert ran.returncode == 1
        assert "but there was no C compiler (no-such-compiler). Debian: apt-get install gcc" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert made == []

    @pytest.mark.parametrize(
        ("environ", "why"),
        [
            ({"CC": "no-such-compiler"}, "there was no C compiler (no-such-compiler)"),
            ({"CC": "no-such-compiler", "EXPORTER_COMPILE": ""}, "there was no C compiler (no-such-compiler)"),
            ({"CC": "false"}, "the C compiler failed: false ended with exit code 1"),
            ({"EXPORTER_COMPILE": "0"}, "EXPORTER_COMPILE=0 was set"),
            ({"EXPORTER_COMPILE": "0", "HATCH_BUILD_HOOK_ENABLE_CUSTOM": "1"}, "EXPORTER_COMPILE=0 was set"),
        ],
    )
    def test_a_plain_wheel_says_why(self, source: Path, environ: dict[str, str], why: str) -> None:
        ran, made = self.build(source, "wheel", **environ)
        assert ran.returncode == 0, ran.stderr
        assert made == [f"profile_exporter-{__version__}-py3-none-any.whl"]
        assert self.inside(source) == ([], {"modules": why, "projector": why})
        assert f"The build is plain Python: {why}." in ran.stderr

    def test_what_can_be_compiled_is_compiled_unasked(self, source: Path) -> None:
        self.needs_a_compiler()
        ran, made = self.build(source, "wheel")
        assert ran.returncode == 0, ran.stderr
        assert "none-any" not in made[0]
        libraries = ["exporter/compiled__mypyc", "exporter/profile/native/projection", "exporter/tiny"]
        assert self.inside(source) == (libraries, {})

    @pytest.mark.parametrize(
        ("broken", "text", "part", "left"),
        [
            ("exporter/profile/native/module.c", "#error of this compiler\n", "projector", "exporter/tiny"),
            ("exporter/tiny.py", "one: int = 'one'\n", "modules", "exporter/profile/native/projection"),
        ],
    )
    def test_what_fails_falls_out(self, source: Path, broken: str, text: str, part: str, left: str) -> None:
        self.needs_a_compiler()
        (source / broken).write_text(text)
        ran, _ = self.build(source, "wheel")
        assert ran.returncode == 0, ran.stderr
        libraries, missing = self.inside(source)
        assert left in libraries
        assert broken.partition(".")[0] not in libraries
        assert list(missing) == [part]
        compiler = Path(os.environ.get("CC") or sysconfig.get_config_var("CC").split()[0]).name
        reasons = {"modules": "mypy found mistakes", "projector": f"{compiler} ended with exit code 1"}
        assert missing[part].startswith(f"the {part} could not be compiled: {reasons[part]}")
        assert missing[part] in ran.stderr
        for name in ("made", "build"):
            shutil.rmtree(source / name, ignore_errors=True)
        ran, made = self.build(source, "wheel", EXPORTER_COMPILE="1")
        assert (ran.returncode, made) == (1, [])
        assert f"The compiled build was asked for, but {missing[part]}." in ran.stderr

    @pytest.mark.parametrize("asked", ["yes", "no", "true", "2"])
    def test_what_nobody_can_tell_is_refused(self, source: Path, asked: str) -> None:
        ran, made = self.build(source, "wheel", EXPORTER_COMPILE=asked)
        assert (ran.returncode, made) == (1, [])
        assert f"EXPORTER_COMPILE is '{asked}': 0 compiles nothing; 1 all" in ran.stderr

    def test_a_compiler_that_fails_is_named_where_it_was_asked_for(self, source: Path) -> None:
        ran, made = self.build(source, "wheel", CC="false", EXPORTER_COMPILE="1")
        assert (ran.returncode, made) == (1, [])
        assert (
            "The compiled build was asked for, but the C compiler failed: false ended with exit code 1. Debian"
            in ran.stderr
        )

    def test_an_editable_one_is_never_compiled(self, source: Path) -> None:
        ran, made = self.build(source, "wheel:editable", EXPORTER_COMPILE="1")
        assert ran.returncode == 0, ran.stderr
        assert made == [f"profile_exporter-{__version__}-py3-none-any.whl"]

    @pytest.mark.parametrize("environ", [{}, {"EXPORTER_COMPILE": "0"}, {"CC": "no-such-compiler"}])
    def test_only_what_compiles_downloads_a_compiler(self, source: Path, environ: dict[str, str]) -> None:
        if not environ:
            self.needs_a_compiler()
        code = "import hatchling.build as b; print(*b.get_requires_for_build_wheel(), sep='\\n')"
        argv = [sys.executable, "-c", code]
        ran = subprocess.run(argv, cwd=source, env=PURE | environ, capture_output=True, text=True, check=True)
        needed = {line.partition(">")[0].strip() for line in ran.stdout.splitlines()}
        assert {"mypy", "setuptools", "msgspec"} <= needed if not environ else needed == {""}

    def needs_a_compiler(self) -> None:
        if (lacking := loaded("hatch_build", ROOT / "hatch_build.py").what_is_lacking()) is not None:
            pytest.skip(f"{lacking} (Debian: gcc, python3-dev)")
