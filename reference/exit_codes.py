"""docs/reference/exit-codes.md: with which codes the command ends, as the sources of the command have them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import exporter
from reference.markdown import code, table

HEAD: Final = """\
# Exit codes

With which code `exporter` and its commands end. The codes are those that stand in the sources (`python -m reference exit-codes`). A
command's result goes to stdout, all else to stderr.
"""

MEANINGS: Final[Mapping[int, tuple[str, str]]] = {
    0: (
        "The work is done. What runs or watches until it is stopped ends so, too, also by SIGTERM or Ctrl-C.",
        "Nothing.",
    ),
    1: ("A failure, or the answer no: below.", "Read stderr; it says what was and was not done."),
    2: (
        "Wrong usage: an option that there is not, or a name that is none of a destination, source or flow.",
        "Read the guess of what was meant, or `--help`.",
    ),
    78: (
        "The configuration is wrong, or a daemon must not run with it beside another one. Nothing was done.",
        "Mend what stderr names, by file, line and path. A service manager should not start it again (systemd: "
        "`RestartPreventExitStatus=78`).",
    ),
    130: ("Ctrl-C came before the work was done.", "What was printed as done is done."),
}

#: What 1 says of each command; those that are not here only write what they were given.
NO: Final[Mapping[str, str]] = {
    "init": "A file is there already, and nothing was written.",
    "run": "A bug ended the process, or the last commit failed; of a parent, a worker ended so.",
    "serve": "A bug ended the process, or it could not be started.",
    "check": "With `--connect`: something could not be reached.",
    "send": "An event could not be queued; with `--check`: something could not be an event; with `--test`: a dead letter.",
    "backfill": "There are no profiles yet, or they could not be reached.",
    "status": "No daemon answers.",
    "top": "No daemon answered as it began.",
    "tail": "No daemon answers, or it has gone away.",
    "pause": "It could not be written.",
    "resume": "It could not be written.",
    "probe": "An operator has paused it, so that nothing is probed, or the state cannot be used.",
    "receive": "It could not listen, or could not write what arrived.",
    "demo": "Something that the demonstration promises did not happen.",
    "test": "A test failed, or there is none.",
    "backup": "There is nothing to copy, or it could not be copied.",
    "deadletters list": "The dead letters could not be reached.",
    "deadletters show": "There is no such letter.",
    "deadletters replay": "A letter could not be replayed; with `--wait`: one failed again.",
    "deadletters purge": "The deletion was not confirmed, or the dead letters could not be reached.",
    "deadletters export": "FILE is there already, or could not be written.",
    "deadletters import": "A line is no exported dead letter, and nothing was stored; or there was no room for all.",
    "positions list": "The queue could not be reached.",
    "positions seek": "A daemon reads the group, or there is none of that name.",
    "positions drop": "A daemon reads the group, or there is none of that name.",
    "source status": "No `exporter serve` answers.",
    "source preview": "A record would be refused, or become a bad record.",
    "source send": "A record was refused, or the server could not be reached.",
    "source reprocess": "The intake is no journal, is full, is being reprocessed already, or could not be reached.",
    "source forget": "It was not confirmed, was not done to the end, or nothing is known of the dataset.",
    "source deadletters list": "The bad records could not be reached.",
    "source deadletters show": "There is no such bad record.",
    "source deadletters replay": "A bad record could not be put into the intake again, or there is none of that name.",
    "source deadletters purge": "The deletion was not confirmed, or the bad records could not be reached.",
    "profile show": "There is no profile of this identity.",
    "profile delete": "It was not confirmed, there is no profile of this identity, or the intake could not be reached.",
    "profile unlink": "There is no profile of this identity, or the intake could not be reached.",
    "profile export": "FILE is there already, or could not be written.",
    "profile import": "A line is no exported profile, or FILE could not be read.",
}


def codes() -> Mapping[int, str]:
    """Every exit code that stands in the sources, with the name of its constant, empty where it has none."""
    found: dict[int, str] = {0: ""}
    for file in sorted(Path(exporter.__file__).parent.rglob("*.py")):
        for number, name in _codes(ast.parse(file.read_text(encoding="utf-8"))):
            found[number] = found.get(number) or name
    return dict(sorted(found.items()))


def _codes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="Exit") | ast.Attribute(attr="exit"), args=[value]):
                yield from ((number, "") for number in _numbers(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(number))):
                yield from [(number, name)] if "EXIT" in name else []
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=int(number))):
                yield from [(number, name)] if "EXIT" in name else []
            case _:
                pass


def _numbers(value: ast.expr) -> Iterator[int]:
    ways = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    for way in ways:
        if isinstance(way, ast.Constant) and isinstance(way.value, int):
            yield way.value


def exit_codes_page() -> str:
    """The text of the page. Raises KeyError where a code has no meaning."""
    rows = [(code(str(number)), *MEANINGS[number]) for number in codes()]
    commands = [(code(f"exporter {name}"), said) for name, said in NO.items()]
    texts = [HEAD, "\n", table(("code", "means", "what to do"), rows)]
    texts += ["\n## What 1 says\n\n", table(("command", "1 also says"), commands)]
    return "".join(texts)
