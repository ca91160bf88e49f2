"""A file of tests as types, and every mistake in such a file, told as those of the configuration are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from exporter.cli.events.event_file import Endless, Found, events_in
from exporter.cli.test.json_tree import typed, written
from exporter.profile.decision import Reason, Trigger
from exporter.sections.mistakes import Steps
from exporter.sections.paths import FilePath, NoHome, expanded
from exporter.sections.printable import counted
from exporter.sections.section import Section
from exporter.settings.loading.gathering import Gathered, Mount
from exporter.settings.loading.plain_values import read_values
from exporter.settings.loading.problems import Problem
from exporter.settings.loading.suggestions import guess
from exporter.settings.loading.translation import Translation
from exporter.settings.loading.validation import Refused

#: What is expected of an event that is exported; the other two keys stand alone.
_OF_EXPORTS = ("triggers", "body", "headers", "url")
_ALONE = ("excluded", "malformed")


class Expected(Section):
    """What an event must come to for a destination. What is named must be so; the rest is not looked at.

    Null stands for what is still to be written by ``--update``, but among the headers, where it stands for none.
    """

    triggers: tuple[Trigger, ...] | None = Field(
        default=None, description="It is exported by exactly these triggers, in any order. null: still to be written."
    )
    body: dict[str, Any] | None = Field(
        default=None, description="It is exported with exactly this body. null: still to be written."
    )
    headers: dict[str, str | None] | None = Field(
        default=None, description="The request has these headers among others; null: it has none of that name."
    )
    url: str | None = Field(
        default=None, description="The request's URL, secrets as **********. null: still to be written."
    )
    excluded: Reason | None = Field(default=None, description="It is not exported, for this reason.")
    malformed: str | None = Field(
        default=None, description='It is malformed: "place: reason" as `exporter preview` says it, or only the place.'
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected yet."""
        return not self.model_fields_set


class Case(Section):
    """One event, and what it must come to."""

    name: str = Field(min_length=1, description="What is tested, for people; another one for each test of a file.")
    event: dict[str, Any] | None = Field(default=None, description="The event, as it stands on the queue.")
    event_file: FilePath | None = Field(
        default=None, description="A JSON file with the event instead, relative to this file."
    )
    expect: dict[str, Expected | None] = Field(
        min_length=1,
        description="By destination; null: still to be written. Destinations that are not named are not looked at.",
    )


class Suite(Section):
    """A file of tests."""

    tests: tuple[Case, ...] = Field(min_length=1, description="The tests, each of one event.")


def tests_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) for files of tests."""
    schema = Suite.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Tests of a configuration of exporter",
        "description": "A file *.test.yaml, as read by `exporter test`.",
    }


@dataclass(frozen=True, slots=True)
class ReadyTest:
    """A test that can be run: its place in the file, its event, and what is expected by destination.

    ``line`` is where the test begins. ``index`` counts the tests of the file from 0.
    """

    file: Path
    index: int
    line: int
    name: str
    event: Found
    expect: Mapping[str, Expected]


def read_tests(file: Path, destinations: Sequence[str]) -> list[ReadyTest] | list[Problem]:
    """The tests in ``file``, or all mistakes there.

    Args:
        file: a YAML file; relative paths in it are relative to its folder.
        destinations: the names that may be expected anything of.
    """
    document = read_values(file)
    problems = list(document.problems)
    data = document.value
    if not isinstance(data, dict):
        return problems or [Problem(document.file, 1, (), "the file must hold a mapping, with tests")]
    gathered = Gathered(data, [Mount((), document)], [document])
    problems += _beyond_types(gathered, destinations)
    suite: Suite | None = None
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        problems += Translation(Suite, gathered, {}).of(Refused(error, data))
    tests: list[ReadyTest] = []
    for index, written_test in enumerate(_listed(data)):
        event = _event(gathered, index, written_test) if isinstance(written_test, dict) else None
        if isinstance(event, Problem):
            problems.append(event)
        elif suite is not None and event is not None:
            case = suite.tests[index]
            expect = {name: expected or Expected() for name, expected in case.expect.items()}
            line = document.lines[("tests", index)] or 1
            tests.append(ReadyTest(file, index, line, case.name, event, expect))
    return problems or tests


def _listed(data: Mapping[str, Any]) -> list[Any]:
    listed = data.get("tests")
    return listed if isinstance(listed, list) else []


def _beyond_types(gathered: Gathered, destinations: Sequence[str]) -> Iterator[Problem]:
    """The mistakes in tests that have the right types."""
    first: dict[str, Problem] = {}
    for index, test in enumerate(_listed(gathered.data)):
        if not isinstance(test, dict):
            continue
        at: Steps = ("tests", index)
        if "event" in test and "event_file" in test:
            yield gathered.problem((*at, "event_file"), "give either event or event_file")
        elif test.get("event") is None and test.get("event_file") is None:
            yield gathered.problem(at, "needs an event or an event_file")
        name = test.get("name")
        if isinstance(name, str) and name in first:
            yield gathered.problem((*at, "name"), f"the name is taken by another test (line {first[name].line})")
        elif isinstance(name, str):
            first[name] = gathered.problem((*at, "name"), "")
        expect = test.get("expect")
        for destination, expected in expect.items() if isinstance(expect, dict) else ():
            place = (*at, "expect", destination)
            if destination not in destinations:
                hint = guess(destination, destinations)
                yield gathered.problem(place, f"no destination is called {destination!r}{hint}")
            if isinstance(expected, dict):
                yield from _of_expected(gathered, place, expected)


def _of_expected(gathered: Gathered, at: Steps, expected: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in expected.items():
        if value is None and key in ("headers", *_ALONE):
            yield gathered.problem((*at, key), "must not be null")
    for alone in _ALONE:
        others = [key for key in (*_OF_EXPORTS, *_ALONE) if key in expected and key != alone]
        if expected.get(alone) is not None and others and not (alone == "malformed" and "excluded" in expected):
            yield gathered.problem((*at, alone), f"what is {alone} is not sent: this does not go with {others[0]}")


def _event(gathered: Gathered, index: int, test: Mapping[str, Any]) -> Found | Problem | None:
    """The event of a test; None where it has none of the right type, which is a mistake already.

    An event is called line 1 of its file, whichever it is, so that a test's move within a file changes nothing.
    """
    file = gathered.documents[0].file
    if isinstance(event := test.get("event"), dict):
        return Found(file, 1, written(typed(event)).encode("utf-8", "surrogatepass"))
    name = test.get("event_file")
    if not isinstance(name, str):
        return None
    try:
        path = Path(file).parent / expanded(name)
    except NoHome:
        return None
    reason = ""
    try:
        found = list(events_in([path]))
        if len(found) == 1:
            return Found(file, 1, found[0].body)
        reason = f"the file {path} holds {counted(len(found), 'event') if found else 'no event'}; a test has one"
    except OSError as error:
        reason = f"the file {path} cannot be read: {error.strerror or 'unknown error'}"
    except Endless as error:
        reason = str(error)
    except ValueError:
        reason = "a path cannot hold NUL"
    return gathered.problem(("tests", index, "event_file"), reason)
