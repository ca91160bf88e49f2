"""Which command on which key a user of Redis lacks: from the words of Redis and from the request. Pure.

Redis names the refused command but never the key, and of a script neither, only the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.sections.printable import printable

Argument = str | bytes | int

_COMMAND = re.compile(r"run the '([^']+)'")
_LINE = re.compile(r"user_script:(\d+)")
_CALLED = re.compile(r"redis\.call\('([A-Z]+)'(?:, '([A-Z]+)')?")
_KEY_IN_SCRIPT = re.compile(r"KEYS\[(\d+)\]")
_IN_PIPELINE = re.compile(r"Command # (\d+) .*of pipeline caused error: (.*)", re.DOTALL)
_QUOTED = re.compile(r"""\((['"])(.*)\1,\)""", re.DOTALL)

#: Commands with a name of two words, each pair with a permission of its own.
_OF_TWO_WORDS = frozenset({"XGROUP", "XINFO"})
_WITHOUT_KEY = frozenset({"EVAL", "EVALSHA", "EXEC", "INFO", "MULTI", "PING", "SELECT", "TIME"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to Redis: commands, or a script with its keys."""

    commands: Sequence[Sequence[Argument]] = ()
    script: str = ""
    keys: Sequence[str] = ()


def lacking(text: str, asked: Asked) -> str | None:
    """The permission that is missing, with the grant; None if ``text``, an error of Redis, is about something else.

    Names commands and keys, which come from the configuration, and no other argument.
    """
    number, said = _place(text)
    if "EXEC without MULTI" in said:
        return _command(["MULTI"], ())
    is_key = "key" in said and ("permissions to access" in said or "can't access" in said)
    if not (is_key or _COMMAND.search(said) or "permissions" in said or "executing the script can't" in said):
        return None
    names, keys = _asked_for(said, number, asked)
    if is_key:
        return _keys(names, keys, asked)
    named = _COMMAND.search(said)
    return _command([named[1].upper().replace("|", " ")] if named else names, keys)


def without_arguments(text: str) -> str:
    """An error of Redis without the library's prefix: the command that the error belongs to, with arguments."""
    return _place(text)[1]


def _place(text: str) -> tuple[int, str]:
    """The index of the command in a transaction, from 0, and the words of Redis itself."""
    found = _IN_PIPELINE.fullmatch(text)
    if found is None:
        return 0, text
    quoted = _QUOTED.fullmatch(found[2])
    return int(found[1]) - 1, quoted[2] if quoted else found[2]


def _asked_for(said: str, number: int, asked: Asked) -> tuple[list[str], Sequence[str]]:
    """The commands that the error may be about, and their keys."""
    line = _LINE.search(said)
    if asked.script and (line or "executing the script" in said):
        lines = asked.script.splitlines()
        at = int(line[1]) if line else 0
        called = lines[at - 1] if 0 < at <= len(lines) and _CALLED.search(lines[at - 1]) else asked.script
        names = [_name(*found.groups("")) for found in _CALLED.finditer(called)]
        numbers = [int(found[1]) - 1 for found in _KEY_IN_SCRIPT.finditer(called)]
        keys = [asked.keys[index] for index in numbers if index < len(asked.keys)]
        return list(dict.fromkeys(names)), list(dict.fromkeys(keys))
    if asked.script:
        return ["EVALSHA"], asked.keys
    if number >= len(asked.commands):
        return [], ()
    first, *rest = (
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in asked.commands[number]
    )
    return [_name(first, rest[0] if rest else "")], _keys_of(first, rest)


def _name(first: str, second: str) -> str:
    return f"{first} {second}" if first in _OF_TWO_WORDS and second else first


def _keys_of(command: str, arguments: Sequence[str]) -> Sequence[str]:
    if command in _WITHOUT_KEY or not arguments:
        return ()
    if command in _OF_TWO_WORDS:
        return arguments[1:2]
    if "STREAMS" in arguments:
        at = arguments.index("STREAMS") + 1
        return arguments[at : at + 1]
    return arguments if command == "DEL" else arguments[:1]


def _command(names: Sequence[str], keys: Sequence[str]) -> str:
    on = f" on {_listed('key', keys)}" if keys and not _WITHOUT_KEY.intersection(names) else ""
    grant = f"grant +{names[0].lower().replace(' ', '|')}" if len(names) == 1 else "grant them"
    return f"it may not use {_listed('command', names)}{on}; {grant}"


def _keys(names: Sequence[str], keys: Sequence[str], asked: Asked) -> str:
    for_what = f" for {' or '.join(names)}" if names else ""
    grant = "grant them" if len(keys) > 1 else "grant it"
    # Names of keys that a script makes begin as the key that the script was given.
    beside = f" beside {printable(asked.keys[0])}" if asked.keys and not keys else ""
    return f"it may not use {_listed('key', keys)}{beside}{for_what}; {grant}"


def _listed(kind: str, names: Sequence[str]) -> str:
    if not names:
        return f"a {kind}"
    shown = ", ".join(map(printable, names))
    return f"the {kind} {shown}" if len(names) == 1 else f"one of the {kind}s {shown}"
