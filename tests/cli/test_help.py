"""What ``--help`` and refusals say: whole sentences that fit the list, types and mistakes in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from exporter.cli.commands import command_line

#: Of 80 columns, beside the longest name.
_FITS = 61


def commands(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, *words, name)


ALL = dict(commands(typer.main.get_command(command_line())))


@pytest.mark.parametrize("words", [words for words in ALL if words], ids=" ".join)
def test_the_first_sentence_is_whole_and_fits_the_list(words: tuple[str, ...]) -> None:
    text = (ALL[words].help or "").split("\n\n")[0]
    assert re.fullmatch(r"[A-Z].*\.", text, re.DOTALL), text
    assert len(text) <= _FITS, text


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_argument_and_option_is_told_in_sentences(words: tuple[str, ...]) -> None:
    told = {each.opts[-1]: each.help for each in ALL[words].params if not getattr(each, "hidden", False)}
    found = {name: text for name, text in told.items() if not re.fullmatch(r"[A-Z].*\.", text or "", re.DOTALL)}
    assert found == {}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_types_are_plain_words_and_nothing_is_cut(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(command_line(), [*words, "--help"])
    assert done.exit_code == 0
    _, _, text = done.stdout.partition("\n\n")
    assert not re.findall(r"<\w+|INTEGER|FLOAT|RANGE|x[<>]=|<=x|[{]\w|\blist\[|\w\.\.\.$", text, re.MULTILINE)
    assert max(map(len, done.stdout.splitlines())) <= 80


def refusals(words: tuple[str, ...]) -> Iterator[str]:
    """Why each option of a command refuses a text that is none of its values, if it does."""
    for each in ALL[words].params:
        if each.param_type_name == "option" and not each.is_flag:
            try:
                ALL[words].make_context("exporter", [each.opts[-1], "nonsense"])
            except typer.BadParameter as error:
                yield error.message


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_what_is_none_of_the_values_is_refused_in_plain_words(words: tuple[str, ...]) -> None:
    assert [each for each in refusals(words) if "Value error" in each] == []


def test_the_values_that_there_are_are_told() -> None:
    [choices] = [each for each in refusals(("deadletters", "list")) if "not one of" in each]
    assert choices.startswith("'nonsense' is not one of 'malformed',")


def test_bounds_of_numbers_are_words() -> None:
    text = CliRunner().invoke(command_line(), ["receive", "--help"]).stdout
    assert "0 to 65535" in text
    assert "at least 0" in text
