"""``exporter test``: whether events come to what the tests beside a configuration expect; sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, EXIT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.destinations import DestinationsOption, chosen, note_switched_off
from exporter.sections.printable import counted, printable

if TYPE_CHECKING:
    from exporter.cli.test.json_tree import Difference
    from exporter.cli.test.running import Failed
    from exporter.cli.test.suite import ReadyTest
    from exporter.settings.loading.load import Loaded


def run_tests(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            show_default=False,
            help="Read these tests; without any every *.test.yaml beside the configuration and in its "
            "destinations_dir.",
        ),
    ] = None,
    destination: DestinationsOption = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write what is sent now into the files, where a test fails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each test, one a line.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Test the configuration by files of events and expectations.

    Nothing is sent.

    Opens neither queue nor state, and needs no secrets. Exits with 1 if a test fails, with 78 if the configuration or a
    file of tests is wrong.
    """
    loaded = load_or_exit(config, stand_in=True)
    if loaded.not_here:
        _note(f"not here, so something stands in (secrets are masked anyway): {', '.join(loaded.not_here)}")
    looked_at = chosen(loaded.settings, destination or [])
    tests = _read(loaded, _files(loaded, files or []))
    note_switched_off(one for one in looked_at if any(one.name in test.expect for test in tests))
    results = list(_run(loaded, tests, frozenset(one.name for one in looked_at)))
    if not results:
        _fail(f"no test expects anything for {', '.join(destination or [])}")
    trouble = _updated(results) if update else []
    for result in results:
        typer.echo(_json_line(result, update=update) if as_json else "\n".join(_lines(result)))
    typer.echo(_summary(results), err=as_json)
    for text in trouble:
        typer.echo(f"error: {printable(text)}", err=True)
    if any(result.failed for result in results):
        raise typer.Exit(1)


@dataclass(slots=True)
class _Result:
    """A test that was run. ``updated`` are the destinations for which the file now has what is sent."""

    test: ReadyTest
    failed: list[Failed]
    updated: list[str] = field(default_factory=list)


def _files(loaded: Loaded, named: Sequence[Path]) -> list[Path]:
    """The files of tests, each once."""
    from exporter.settings.loading.plain_values import is_test_file

    if named:
        return list(dict.fromkeys(named))
    folder = loaded.files[0].parent
    try:
        beside = sorted(file for file in folder.iterdir() if is_test_file(file) and not file.name.startswith("."))
    except OSError as error:
        _fail(f"the folder {folder} cannot be read: {error.strerror or 'unknown error'}")
    of_destinations = [file for file in loaded.test_files if file.resolve() not in {one.resolve() for one in beside}]
    if not (files := [*beside, *of_destinations]):
        _fail(f"there are no tests: no *.test.yaml beside {loaded.files[0]}, nor in destinations_dir")
    return files


def _read(loaded: Loaded, files: Sequence[Path]) -> list[ReadyTest]:
    """All tests; exits with 78 and every mistake if there is any."""
    from exporter.cli.test.suite import read_tests
    from exporter.settings.loading.problems import Problem, Problems

    destinations = [one.name for one in loaded.settings.destinations]
    read = [one for file in files for one in read_tests(file, destinations)]
    problems = [one for one in read if isinstance(one, Problem)]
    if problems:
        typer.echo(Problems.of(problems, map(str, files)).render("the tests"), err=True)
        raise typer.Exit(EXIT_CONFIG)
    return [one for one in read if not isinstance(one, Problem)]


def _run(loaded: Loaded, tests: Sequence[ReadyTest], names: frozenset[str]) -> Iterator[_Result]:
    """The tests that expect anything for these destinations, run; notes on the events' unknown keys go to stderr."""
    from dataclasses import replace

    from exporter.cli.events.event_keys import UnknownKeys
    from exporter.cli.test.running import runner

    run = runner(loaded)
    unknown = UnknownKeys()
    for test in tests:
        looked_at = [name for name in test.expect if name in names]
        if looked_at:
            unknown.look(replace(test.event, line=test.line))
            yield _Result(test, [failed for name in looked_at if (failed := run(test, name)) is not None])
    for note in unknown.notes():
        _note(note)


def _updated(results: Sequence[_Result]) -> list[str]:
    """Write what is sent now into the files; returns what could not be written, and why."""
    from dataclasses import replace

    from exporter.cli.test.update import update
    from exporter.settings.loading.plain_values import read_values

    trouble = [
        f"{result.test.file}:{result.test.line}: the event is malformed for {one.destination} ({one.outcome}), which "
        "--update does not write: mend the event, or write malformed: by hand where that is meant"
        for result in results
        for one in result.failed
        if _newly_malformed(result.test, one)
    ]
    for file in dict.fromkeys(result.test.file for result in results if result.failed):
        here = {result.test.index: result for result in results if result.test.file == file}
        outcomes = {
            (index, one.destination): one.outcome
            for index, result in here.items()
            for one in result.failed
            if not _newly_malformed(result.test, one)
        }
        try:
            left = update(file, outcomes)
        except OSError as error:
            trouble.append(f"{file} cannot be written: {error.strerror or 'unknown error'}")
            continue
        lines = read_values(file).lines  # where tests stand now
        for index, result in here.items():
            result.test = replace(result.test, line=lines.get(("tests", index)) or result.test.line)
            written = outcomes.keys() - left
            result.updated = [one.destination for one in result.failed if (index, one.destination) in written]
            result.failed = [one for one in result.failed if (index, one.destination) not in written]
        trouble += [
            f"{file}:{here[index].test.line}: what {name} expects must be written by hand: an anchor or the layout "
            "keeps it from being changed alone"
            for index, name in sorted(left)
        ]
    return trouble


def _newly_malformed(test: ReadyTest, failed: Failed) -> bool:
    """Whether an event is malformed that was not expected to be: a slip in the event rather than what is meant."""
    from exporter.profile.malformed import Malformed

    return isinstance(failed.outcome, Malformed) and test.expect[failed.destination].malformed is None


def _lines(result: _Result) -> Iterator[str]:
    word = "FAILED" if result.failed else "updated" if result.updated else "ok"
    place = f"{result.test.file}:{result.test.line}"
    yield printable(f"{word:<8}{place}: {result.test.name}")
    for failed in result.failed:
        for difference in failed.differences:
            path = _path(difference)
            yield printable(f"  {failed.destination}{f': {path}' if path else ''}")
            yield printable(f"    expected  {_text(difference, difference.expected)}")
            yield printable(f"    actual    {_text(difference, difference.actual)}")


def _path(difference: Difference) -> str:
    from exporter.profile.malformed import place_of

    return place_of(*difference.at)


def _text(difference: Difference, value: Any) -> str:
    from exporter.cli.test.json_tree import NOTHING, written

    if value is NOTHING:
        return "nothing" if difference.at else "nothing yet; --update writes what is sent"
    return written(value) if difference.at else value


def _json_line(result: _Result, *, update: bool) -> str:
    """A test as a JSON object (contract.md#the-command)."""
    from exporter.cli.test.json_tree import NOTHING, written

    differences = [
        {"destination": failed.destination, "path": _path(difference)}
        | {
            key: value
            for key, value in (("expected", difference.expected), ("actual", difference.actual))
            if value is not NOTHING
        }
        for failed in result.failed
        for difference in failed.differences
    ]
    test = result.test
    line: dict[str, Any] = {"file": str(test.file), "line": test.line, "name": test.name}
    line |= {"passed": not result.failed, "differences": differences}
    return written(line | ({"updated": result.updated} if update else {}))


def _summary(results: Sequence[_Result]) -> str:
    failed = sum(bool(result.failed) for result in results)
    updated = sum(bool(result.updated) and not result.failed for result in results)
    counts = [f"{len(results) - failed - updated} passed", *([f"{updated} updated"] if updated else [])]
    return f"{counted(len(results), 'test')}: {', '.join([*counts, f'{failed} failed'])}"


def _note(text: str) -> None:
    typer.echo(f"note: {printable(text)}", err=True)


def _fail(why: str) -> NoReturn:
    typer.echo(f"error: {printable(why)}", err=True)
    raise typer.Exit(1)
