"""Loads a configuration: files and environment in, settings or all mistakes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from exporter.sections.mistakes import KIND, Mistake, Steps
from exporter.sections.operator_text import trimmed
from exporter.sections.paths import NoHome, expanded
from exporter.sections.regular_file import Stamp
from exporter.settings.loading.cross_checks import Failure, left_out
from exporter.settings.loading.gathering import Gathered, gather
from exporter.settings.loading.overrides import ENVIRONMENT, Overrides, find_overrides
from exporter.settings.loading.problems import Problem, Problems
from exporter.settings.loading.suggestions import suggestion
from exporter.settings.loading.yaml_file import read_beginning
from exporter.settings.notes import notes
from exporter.settings.segments import LISTED, MAPPED, repeated
from exporter.settings.tls_sections import tls_sections
from exporter.settings.tree import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration.

    ``files`` are the configuration's own files, ``secret_files`` the files that ``!file`` named, and ``notes`` are for
    the operator. ``watched`` are the files whose content is part of the settings, from ``!file`` and from ``tls``, each
    with its stamp from the time of reading: another stamp now means that the file has changed since. ``indirect`` are
    the places of values from ``!file`` or ``${}``, as ``("destinations", 0, "headers", "x-team")``, without the values.
    """

    settings: Settings
    files: tuple[Path, ...]
    secret_files: tuple[Path, ...]
    notes: tuple[str, ...]
    indirect: frozenset[Steps]
    watched: Mapping[Path, Stamp]


def load(path: Path, environ: Mapping[str, str]) -> Loaded | Problems:
    """Read and validate the configuration in ``path``.

    Args:
        path: the main file.
        environ: the environment for ``${NAME}`` and for overrides, in place of the process's own.

    Returns:
        The settings, or all of the operator's mistakes. No mistake of the operator raises.
    """
    try:
        path = Path(expanded(str(path)))
    except NoHome as error:
        return Problems((Problem(str(path), None, (), str(error)),))
    overrides, problems = find_overrides(Settings.model_fields, environ)
    overridden = [key for key in ("destinations_dir", "segments_file") if (key,) in overrides]
    named = {key: trimmed(environ[overrides[(key,)]]) for key in overridden}
    gathered = gather(path, environ, named)
    problems = [*gathered.problems, *problems, *_duplicate_names(gathered), *_repeated_segments(gathered)]
    settings = _validated(gathered.data, environ, overrides)
    if isinstance(settings, _Refused):
        problems.extend(_translated(settings, gathered, overrides))
    if isinstance(settings, _Refused) or problems:
        named_too = [gathered.with_destination(problem) for problem in problems]
        return Problems.of(named_too, [document.file for document in gathered.documents])
    watched: dict[Path, Stamp] = {}  # a file that was read twice, and changed between, with its first stamp
    for document in gathered.documents:
        for file, stamp in document.secret_files.items():
            watched.setdefault(file, stamp)
    secret_files = tuple(watched)
    for tls in tls_sections(settings):
        for file, stamp in tls.stamps.items():
            watched.setdefault(file, stamp)
    return Loaded(
        settings,
        tuple(Path(document.file) for document in gathered.documents),
        secret_files,
        notes(settings, lambda steps: steps not in overrides and gathered.is_literal(steps)),
        gathered.indirect(),
        watched,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What a broken configuration says all the same: ``settings`` holds for the top-level keys in ``known`` only."""

    settings: Settings
    known: frozenset[str]


def load_part(path: Path, environ: Mapping[str, str], keys: Sequence[str]) -> Part:
    """Those of the top-level ``keys`` that can be read in a broken configuration, without its secrets."""
    document, whole = read_beginning(Path(expanded(str(path))), environ)
    values = document.value if isinstance(document.value, dict) else {}
    overrides, _ = find_overrides(Settings.model_fields, environ)
    data: dict[str, Any] = {}
    for key in keys:
        broken = [steps for steps in document.broken if steps[:1] == (key,)]
        if (key not in values and not whole) or any(steps != ("ops", "token") for steps in broken):
            continue
        section = values.get(key, {})
        if isinstance(section, dict):
            section.pop("token", None)
        own = {steps: name for steps, name in overrides.items() if steps[0] == key and steps[-1] != "token"}
        if not isinstance(found := _validated({key: section}, environ, own), _Refused):
            data[key] = getattr(found, key)
    return Part(Settings(**data), frozenset(data))


class _Files(PydanticBaseSettingsSource):
    """The files' values as a source of pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], data: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._data = data

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self._data.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._data


@dataclass(frozen=True, slots=True)
class _Refused:
    """The error of pydantic on ``data``, which both sources gave together."""

    error: ValidationError = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)


def _validated(data: dict[str, Any], environ: Mapping[str, str], overrides: Mapping[Steps, str]) -> Settings | _Refused:
    """The settings from both sources, the environment first."""
    together: dict[str, Any] = {}

    class FromSources(Settings):
        @model_validator(mode="before")
        @classmethod
        def _note(cls, data: dict[str, Any]) -> dict[str, Any]:
            together.update(data)
            return data

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Overrides(settings_cls, environ, overrides), _Files(settings_cls, data)

    try:
        found = FromSources()
    except ValidationError as error:
        return _Refused(error, together)
    return Settings.model_construct(
        found.model_fields_set, **{key: getattr(found, key) for key in type(found).model_fields}
    )


def _duplicate_names(gathered: Gathered) -> Iterator[Problem]:
    first: dict[str, Problem] = {}
    for index, destination in enumerate(gathered.destinations):
        name = destination.get("name") if isinstance(destination, dict) else None
        at = ("destinations", index, "name")
        if not isinstance(name, str) or gathered.is_broken(at):
            continue
        if name in first:
            where = first[name]
            yield gathered.problem(at, f"the name is taken by another destination ({where.file}:{where.line})")
        first.setdefault(name, gathered.problem(at, ""))


def _repeated_segments(gathered: Gathered) -> Iterator[Problem]:
    """Repeated segments, in the words of the fields' own validators, which run only where every segment is right."""
    lists: list[tuple[Steps, object, str]] = [(("segments",), gathered.data.get("segments"), LISTED)]
    for index, destination in enumerate(gathered.destinations):
        mapped = destination.get("segments") if isinstance(destination, dict) else None
        lists.append((("destinations", index, "segments"), mapped, MAPPED))
    for at, listed, what in lists:
        yield from (gathered.problem((*at, *mistake.at), mistake.reason) for mistake in repeated(listed, what))


def _translated(refused: _Refused, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[Problem]:
    """All that pydantic says, and all that pydantic left out, as problems at a file and line, or at a variable."""
    errors = refused.error.errors(include_url=False, include_input=False)
    failures = [_failure(details, gathered, overrides) for details in errors]
    for failure in (*failures, *left_out(Settings, refused.data, failures)):
        for mistake in failure.mistakes:
            place = (*failure.at, *mistake.at)
            variable = _variable(place, overrides, gathered)
            if variable is not None:
                yield Problem(ENVIRONMENT, None, (variable,), mistake.reason)
            elif failure.is_unknown_key or not gathered.is_broken(place):
                yield gathered.problem(place, mistake.reason)


def _failure(details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]) -> Failure:
    found = details["ctx"][KIND] if details["type"] == KIND else (Mistake((), _reason(details)),)
    return Failure(_steps(details, gathered, overrides), found, details["type"] == "extra_forbidden")


def _steps(details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]) -> Steps:
    """The steps of an error in the written text; pydantic puts the tags of unions between the steps."""
    steps: Steps = ()
    location = details["loc"]
    names_a_key = details["type"] in ("missing", "extra_forbidden")
    for index, step in enumerate(location):
        further = (*steps, step)
        is_last = index == len(location) - 1
        overridden = any(override[: len(further)] == further for override in overrides)
        if gathered.exists(further) or overridden or (is_last and names_a_key):
            steps = further
    return (*steps, "kind") if details["type"].startswith("union_tag") else steps


def _variable(steps: Steps, overrides: Mapping[Steps, str], gathered: Gathered) -> str | None:
    """The variable whose value is at fault, if any."""
    for override, name in overrides.items():
        if steps[: len(override)] == override or (override[: len(steps)] == steps and not gathered.holds(steps)):
            return name
    return None


_REASONS = {
    "missing": "this key is required",
    "union_tag_not_found": "this key is required",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "dict_type": "should be a mapping",
    "mapping_type": "should be a mapping",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
    "string_type": "should be text",
    "path_type": "should be a path",
    "byte_size": "should be a size, as 1048576 or 16MiB",
    "byte_size_unit": "should be a size, as 1048576 or 16MiB",
}


def _reason(details: ErrorDetails) -> str:
    """The reason, in few words; never with the value, which may be a secret."""
    if details["type"] == "extra_forbidden":
        return f"unknown key{suggestion(Settings, details['loc'])}"
    if details["type"] == "union_tag_invalid":
        return f"should be one of {details['ctx']['expected_tags']}"
    if details["type"] == "too_short":
        return f"needs at least {details['ctx']['min_length']} item"
    known = _REASONS.get(details["type"])
    return known if known is not None else details["msg"].replace("Input should", "should", 1)
