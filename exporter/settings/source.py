"""Loads a configuration: files and environment in, settings or everything that is wrong with them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from exporter.settings.gathering import Gathered, gather
from exporter.settings.mistakes import KIND, Steps
from exporter.settings.notes import notes
from exporter.settings.overrides import ENVIRONMENT, Overrides, find_overrides
from exporter.settings.problems import Problem, Problems
from exporter.settings.suggestions import suggestion
from exporter.settings.tree import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration.

    ``files`` are the configuration's own files, ``secret_files`` what ``!file`` named (to be watched), and
    ``notes`` what an operator should know although it is no mistake.
    """

    settings: Settings
    files: tuple[Path, ...]
    secret_files: tuple[Path, ...]
    notes: tuple[str, ...]


def load(path: Path, environ: Mapping[str, str]) -> Loaded | Problems:
    """Read and validate the configuration in ``path``.

    Args:
        path: the main file.
        environ: the environment, for ``${NAME}`` and for overrides; no other is looked at.

    Returns:
        The settings, or all of the operator's mistakes. No mistake of the operator raises.
    """
    overrides, problems = find_overrides(Settings.model_fields, environ)
    named = {key: environ[overrides[(key,)]] for key in ("destinations_dir", "segments_file") if (key,) in overrides}
    gathered = gather(path, environ, named)
    problems = [*gathered.problems, *problems, *_duplicate_names(gathered)]
    try:
        settings: Settings | None = _validated(gathered.data, environ, overrides)
    except ValidationError as error:
        problems.extend(_translated(error, gathered, overrides))
        settings = None
    if settings is None or problems:
        return Problems.of(problems, [document.file for document in gathered.documents])
    secret_files = dict.fromkeys(file for document in gathered.documents for file in document.secret_files)
    return Loaded(
        settings,
        tuple(Path(document.file) for document in gathered.documents),
        tuple(secret_files),
        notes(settings, gathered.is_literal),
    )


class _Files(PydanticBaseSettingsSource):
    """The files' values as a source of pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], data: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._data = data

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self._data.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._data


def _validated(data: dict[str, Any], environ: Mapping[str, str], overrides: Mapping[Steps, str]) -> Settings:
    """The settings from both sources, the environment first. Raises ValidationError."""

    class FromSources(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Overrides(settings_cls, environ, overrides), _Files(settings_cls, data)

    found = FromSources()
    return Settings.model_construct(
        found.model_fields_set, **{key: getattr(found, key) for key in type(found).model_fields}
    )


def _duplicate_names(gathered: Gathered) -> Iterator[Problem]:
    first: dict[str, Problem] = {}
    destinations = gathered.data.get("destinations")
    for index, destination in enumerate(destinations if isinstance(destinations, list) else ()):
        name = destination.get("name") if isinstance(destination, dict) else None
        at = ("destinations", index, "name")
        if not isinstance(name, str) or gathered.is_broken(at):
            continue
        if name in first:
            where = first[name]
            yield gathered.problem(at, f"the name is taken by another destination ({where.file}:{where.line})")
        first.setdefault(name, gathered.problem(at, ""))


def _translated(error: ValidationError, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[Problem]:
    """Each of pydantic's errors as a problem at its file and line, or at its variable."""
    for details in error.errors(include_url=False, include_input=False):
        steps = _steps(details, gathered, overrides)
        if details["type"] == KIND:
            found = [((*steps, *mistake.at), mistake.reason) for mistake in details["ctx"][KIND]]
        else:
            found = [(steps, _reason(details))]
        for place, reason in found:
            variable = _variable(place, overrides, gathered)
            if variable is not None:
                yield Problem(ENVIRONMENT, None, variable, reason)
            elif details["type"] == "extra_forbidden" or not gathered.is_broken(place):
                yield gathered.problem(place, reason)


def _steps(details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]) -> Steps:
    """The steps of an error in what was written; pydantic puts the tags of unions between them."""
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
    """The variable whose value is at fault, if one is."""
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
    """Why, in few words; never shows the value, which may be a secret."""
    if details["type"] == "extra_forbidden":
        return f"unknown key{suggestion(Settings, details['loc'])}"
    if details["type"] == "union_tag_invalid":
        return f"should be one of {details['ctx']['expected_tags']}"
    if details["type"] == "too_short":
        return f"needs at least {details['ctx']['min_length']} item"
    known = _REASONS.get(details["type"])
    return known if known is not None else details["msg"].replace("Input should", "should", 1)
