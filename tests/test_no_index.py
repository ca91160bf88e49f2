"""No text that we print or ship sends anybody to a package index for this package: there it is somebody else's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from exporter.cli.commands import command_line
from exporter.sections.extras import missing_extra

ROOT = Path(__file__).parent.parent
#: Neither printed nor shipped: what tools made, what was measured, and tests, of which this one quotes what is wrong.
LEFT_OUT = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "build", "data", "dist"}
LEFT_OUT |= {"__pycache__", "tests", "results"}

#: Commands that take names of packages from an index.
INSTALLS = re.compile(
    r"\b(?P<tool>pip3?|pipx|uv|uvx|poetry|pdm|rye|conda|mamba)(?P<words>(?: +(?:pip|tool|--?[\w-]+))*"
    r" +(?:install|inject|add|run|upgrade|download|wheel)\b|(?<=uvx))(?P<rest>[^\n`]*)"
)
#: The package, or what has its command's name, as those commands take it, maybe with extras or versions.
PACKAGE = re.compile(r"(?:profile[-_.]+)?exporter(?:\[[^\]]*\])?(?:[<>=!~@; ].*)?", re.IGNORECASE)
#: Only requirements are written so. The package's own extra `all` names others of its extras; it is no instruction.
WITH_EXTRAS = re.compile(r"(?<![\w./*-])(?:profile[-_.]+)?exporter\[(?!Unreleased)")
OWN_EXTRA = 'all = ["profile-exporter[redis,kafka,nats,otel]"]'


def shipped() -> Iterator[tuple[str, str]]:
    """Every text of the project with its path, also in a copy that is no repository."""
    for file in sorted(ROOT.rglob("*")):
        parts = file.relative_to(ROOT).parts
        if file.is_file() and not LEFT_OUT.intersection(parts):
            try:
                yield "/".join(parts), file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def printed() -> Iterator[tuple[str, str]]:
    """What the command says of itself: the help of every command, and the hint of every extra."""

    def helps(command: Any, name: str) -> Iterator[tuple[str, str]]:
        context = typer.Context(command, info_name=name)
        yield f"{name} --help", command.get_help(context)
        for each, sub in getattr(command, "commands", {}).items():
            yield from helps(sub, f"{name} {each}")

    yield from helps(get_command(command_line()), "exporter")
    for extra in ("redis", "kafka", "nats", "otel", "all"):
        hint = missing_extra(extra, "no_such_module")
        assert hint is not None
        yield f"the hint of {extra}", hint


def sent_to_an_index(text: str) -> Iterator[str]:
    """The places that would have somebody install this package from an index."""
    text = text.replace(OWN_EXTRA, "")
    yield from (match[0] for match in WITH_EXTRAS.finditer(text))
    for match in INSTALLS.finditer(re.sub(r"\\\n", " ", text)):
        if any(PACKAGE.fullmatch(word) for word in arguments(match["words"], match["rest"])):
            yield match[0].strip()


def arguments(command: str, rest: str) -> list[str]:
    """What a command is told to install: its words up to the end of the command."""
    try:
        words = shlex.split(re.split(r"[;|)]| && ", rest)[0], comments=True)
    except ValueError:  # a quotation mark of prose
        words = rest.split()
    end = next((index for index, word in enumerate(words) if re.search(r"\w[\])'\"]*[,.:]$", word)), len(words))
    words = [word.strip("'\",.:") for word in words[: end + 1]]  # what follows is prose
    if command.endswith("inject"):  # into an environment of that name
        return words[1:]
    first = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[first : first + 1] if command.endswith("run") or not command else words


TEXTS = dict([*shipped(), *printed()])


def test_every_text_was_found() -> None:
    expected = {
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Dockerfile", "compose.yaml", "Makefile"),
        *("pyproject.toml", "docs/queues/kafka.md", "config/exporter.yaml", "config/kubernetes/exporter.yaml"),
        *("config/systemd/exporter@.service", "exporter/sections/extras.py", "exporter/cli/init/exporter.yaml"),
        *(".ci/run", "exporter run --help", "exporter deadletters replay --help", "the hint of kafka"),
    }
    assert expected <= set(TEXTS)


def test_no_text_sends_anybody_to_an_index_for_it() -> None:
    found = {where: list(sent_to_an_index(text)) for where, text in TEXTS.items()}
    assert {where: places for where, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "text",
    [
        "pip install exporter",
        "python3 -m pip install --upgrade 'exporter>=0.2'",
        'run `pip install "exporter[redis]"` first',
        "needs the extra `exporter[kafka]`",
        "pip install profile-exporter",
        "pip install uvloop profile_exporter==0.1.0",
        "pip install \\\n  --quiet \\\n  exporter",
        "uv tool install exporter",
        "uv pip install Profile.Exporter",
        "uv add exporter",
        "pipx install exporter",
        "pipx run exporter check",
        "uvx exporter check",
        "f\"pip install 'exporter[{extra}]'\"",
        "# pip install 'exporter[nats]'. Several",
        "pipx inject other profile-exporter",
    ],
)
def test_such_a_text_is_found(text: str) -> None:
    assert list(sent_to_an_index(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "pip install '.[redis]'",
        "pip install ./profile_exporter-0.1.0-py3-none-any.whl[redis]",
        'pip install "$(echo /wheel/profile_exporter-*.whl)[all]"',
        "pip install 'redis[hiredis]>=8', which the exporter needs",
        "pip uninstall exporter",
        "uv tool uninstall exporter",
        "pipx inject profile-exporter 'redis[hiredis]>=8'",
        "uv tool install '.[redis]' && exporter check",
        "## [Unreleased]",
    ],
)
def test_other_texts_are_not(text: str) -> None:
    assert list(sent_to_an_index(text)) == []
