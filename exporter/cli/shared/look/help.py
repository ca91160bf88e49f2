"""What help and refusals look like: whole sentences in the list of commands, types and mistakes in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

F = TypeVar("F", bound=Callable[..., Any])

#: A sentence of any length is whole.
_WHOLE: Final = 10_000
#: What is written of a type, by the version of typer: ``<int range>``, ``INTEGER RANGE``.
_TYPE: Final = re.compile(r"<([^>]*)>|\b(INTEGER|FLOAT|TEXT|PATH)( RANGE)?\b|\[([\w|]*\|[\w|]*)\]")
_WORDS: Final = {"int": "NUMBER", "float": "NUMBER", "integer": "NUMBER", "str": "TEXT", "text": "TEXT", "path": "FILE"}
_BETWEEN: Final = re.compile(r"(-?[\d.]+)<=x<=(-?[\d.]+)")
_LEAST: Final = re.compile(r"x>=(-?[\d.]+)")
_MOST: Final = re.compile(r"x<=(-?[\d.]+)")


class Command(TyperCommand):
    """A command."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the line ``Usage``."""
        return _plain_pieces(super().collect_usage_pieces(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was given. Raises typer.BadParameter for what is no value."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            # What newer versions of typer read values with puts its own word before each reason.
            error.message = error.message.removeprefix("Value error, ")
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of arguments and options."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A command with subcommands."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the line ``Usage``."""
        return _plain_pieces(super().collect_usage_pieces(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of options and commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, each with its first sentence, which takes a second line where it must."""
        rows = [
            (name, command.get_short_help_str(_WHOLE))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class Commands(typer.Typer):
    """A group whose help, and that of its commands, looks like this."""

    def __init__(self, **values: Any) -> None:
        super().__init__(cls=Group, rich_markup_mode=None, **values)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = Command, **values: Any
    ) -> Callable[[F], F]:
        """As ``typer.Typer.command``."""
        return super().command(name, cls=cls, **values)


def _plain_pieces(pieces: list[str]) -> list[str]:
    """What must be given without the braces that typer puts around it."""
    return [piece.replace("{", "").replace("}", "") for piece in pieces]


def _write_parameters(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    for heading, kind in (("Arguments", "argument"), ("Options", "option")):
        if rows := [*_rows(command, ctx, kind)]:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _rows(command: TyperCommand | TyperGroup, ctx: Any, kind: str) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and parameter.param_type_name == kind:
            name, text = record
            # An argument has a name, which says enough.
            yield _TYPE.sub("" if kind == "argument" else _plain_type, name).rstrip(), _in_words(text)


def _plain_type(found: re.Match[str]) -> str:
    """A type as a word, a choice as its values."""
    named = (found[1] or found[2] or found[4]).removesuffix(" range").removeprefix("list[").removesuffix("]")
    return _WORDS.get(named.lower(), named)


def _in_words(text: str) -> str:
    """The text of a parameter, the bounds of numbers in words."""
    # Earlier versions of typer escape a bracket for rich, which does not see it here.
    text = _BETWEEN.sub(r"\1 to \2", text.replace(r"\[", "["))
    text = _LEAST.sub(r"at least \1", text)
    return _MOST.sub(r"at most \1", text)
