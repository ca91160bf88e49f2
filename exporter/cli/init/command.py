"""``exporter init``: writes a commented configuration to begin with."""

from __future__ import annotations

import json
import os
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG
from exporter.cli.shared.queue import fail
from exporter.sections.printable import printable

#: Where ``--source`` writes to.
WAY_IN = DEFAULT_CONFIG.with_name("source.yaml")

_STEPS = (
    "Next: edit `destinations` in it, and then",
    "  exporter check                  says what would run, and names every mistake",
    "  exporter receive --port 8080    in a terminal of its own: plays the partner",
    "  exporter run                    in another one: the daemon",
    "  exporter send events.jsonl      puts events on its queue",
)
_WAY_IN_STEPS = (
    "Next: edit what records are, `sources` and `destinations` in it, and then",
    f"  export EXPORTER_CONFIG={WAY_IN}",
    "  exporter check                               names every mistake",
    "  exporter receive --port 8080                 in its own terminal: the partner",
    "  exporter serve                               in another: takes records",
    "  exporter run                                 in a third: exports changes",
    "  exporter source send people records.jsonl    sends to the flow people",
)


def init(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            show_default=False,
            help="Name the folder, which is made where it is missing; without it the current one.",
        ),
    ] = Path(),
    source: Annotated[
        bool,
        typer.Option("--source", help="Write FOLDER/config/source.yaml: the way in (exporter serve), with a source."),
    ] = False,
) -> None:
    """Write a configuration to begin with.

    FOLDER/config/exporter.yaml has every key with its default and its reason.

    With --source it is FOLDER/config/source.yaml, which has the keys of the way in, and a source and a destination to
    begin with. It runs as it is, against `exporter receive --port 8080`. Beside it stands its schema, for editors.
    Where one of the two is there already, with something else in it, nothing is written: exit code 1.
    """
    from exporter.settings.schema import configuration_schema

    file = folder / (WAY_IN if source else DEFAULT_CONFIG)
    schema = json.dumps(configuration_schema(), indent=2, ensure_ascii=False) + "\n"
    # The schema stands where the first line of the configuration names it.
    texts = {file: template(file.name), file.parent / "schema/exporter.json": schema}
    try:
        missing = {each: text for each, text in texts.items() if each == file or not _holds(each, text)}
        if (taken := next(filter(os.path.lexists, missing), None)) is not None:
            fail(printable(f"{taken} is there already, and is left as it is: nothing was written"))
        for each, text in missing.items():
            each.parent.mkdir(parents=True, exist_ok=True)
            _write_new(each, text)
    except FileExistsError as error:
        fail(printable(f"{error.filename} is no folder"))
    except OSError as error:
        fail(printable(f"{file} cannot be written: {error.strerror or error}"))
    typer.echo(printable(f"{file} written"))
    for line in _next_steps(folder, file, _WAY_IN_STEPS if source else _STEPS):
        typer.echo(printable(line), err=True)


def template(name: str) -> str:
    """The configuration that ``init`` writes to the file ``name``: exporter.yaml or source.yaml."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _holds(file: Path, text: str) -> bool:
    """Whether ``file`` is there and holds just this text."""
    try:
        return file.read_bytes() == text.encode()
    except (FileNotFoundError, NotADirectoryError):
        return False


def _write_new(file: Path, text: str) -> None:
    """Write a file that does not exist yet; what could not be written whole is removed.

    Raises:
        FileExistsError: something stands there, also a link that leads nowhere.
        OSError: the file cannot be written.
    """
    with file.open("x", encoding="utf-8") as opened:
        try:
            opened.write(text)
            opened.flush()
        except OSError:
            file.unlink()
            raise


def _next_steps(folder: Path, file: Path, steps: tuple[str, ...]) -> tuple[str, ...]:
    there = () if folder.resolve() == Path.cwd() else (f"  cd {shlex.quote(str(folder))}",)
    return (
        *steps[:1],
        *there,
        *steps[1:],
        f"From other folders: --config {shlex.quote(str(file.resolve()))}, or EXPORTER_CONFIG in the environment.",
    )
