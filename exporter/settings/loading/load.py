"""Loads a configuration: files and environment in, settings or all mistakes out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.sections.mistakes import KIND, Mistake, Steps
from exporter.sections.paths import NoHome, expanded
from exporter.sections.regular_file import Stamp
from exporter.sections.section import values_of
from exporter.sections.tls import PemFiles
from exporter.settings.declared import declared_mistakes
from exporter.settings.loading.cross_checks import Failure, left_out
from exporter.settings.loading.default_paths import with_default_paths
from exporter.settings.loading.destination_defaults import DEFAULTS, OWN, OWN_KEYS, errors_in, replaced_queries
from exporter.settings.loading.former_places import left_behind, unread
from exporter.settings.loading.gathering import Gathered, gather
from exporter.settings.loading.overrides import Overrides, find_overrides
from exporter.settings.loading.problems import ENVIRONMENT, Problem, Problems
from exporter.settings.loading.stand_ins import StandIns
from exporter.settings.loading.suggestions import suggestion
from exporter.settings.notes import notes
from exporter.settings.segments import LISTED, MAPPED, repeated
from exporter.settings.tree import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration.

    ``files`` are the configuration's own files, ``secret_files`` the files that ``!file`` named, and ``notes`` are for
    the operator. ``watched`` are the files whose content is part of the settings, from ``!file`` and every ``tls``,
    each with its stamp from the time of reading: another stamp now means that it has changed since. ``indirect`` are
    the places of values from ``!file`` or ``${}``, as ``("destinations", 0, "headers", "x-team")``, without the values.
    ``test_files`` are the files with tests beside the destinations' files, and ``not_here`` the variables and files
    that something stands in for.
    """

    settings: Settings
    files: tuple[Path, ...]
    secret_files: tuple[Path, ...]
    notes: tuple[str, ...]
    indirect: frozenset[Steps]
    watched: Mapping[Path, Stamp]
    test_files: tuple[Path, ...] = ()
    not_here: tuple[str, ...] = ()


def load(path: Path, environ: Mapping[str, str], *, stand_in: bool = False) -> Loaded | Problems:
    """Read and validate the configuration in ``path``.

    Args:
        path: the main file.
        environ: the environment for ``${NAME}`` and for overrides, in place of the process's own.
        stand_in: let something stand in for secrets and addresses that are not on this machine (``stand_ins.py``).

    Returns:
        The settings, or all of the operator's mistakes. No mistake of the operator raises.
    """
    try:
        path = Path(expanded(str(path)))
    except NoHome as error:
        return Problems((Problem(str(path), None, (), str(error)),))
    overrides, problems = find_overrides(Settings.model_fields, environ)
    gathered = gather(path, environ, overrides)
    stand_ins = StandIns(gathered) if stand_in else None
    problems = [*gathered.problems, *problems, *_duplicate_names(gathered), *_repeated_segments(gathered)]
    settings = validated(gathered.with_defaults(), environ, overrides, path.parent)
    while stand_ins is not None and isinstance(settings, Refused):
        if not stand_ins.replaced(translated(Settings, settings, gathered, overrides)):
            break
        settings = validated(gathered.with_defaults(), environ, overrides, path.parent)
    wrong_defaults = list(_wrong_defaults(gathered, overrides))
    problems.extend(wrong_defaults if stand_ins is None else stand_ins.translated(wrong_defaults))
    if isinstance(settings, Refused):
        refused = translated(Settings, settings, gathered, overrides, problems)
        problems.extend(refused if stand_ins is None else stand_ins.translated(refused))
    elif stand_ins is None:
        problems.extend(left_behind(settings, gathered, overrides))
        declared = declared_mistakes(settings)
        problems.extend(_problem(mistake.at, mistake.reason, gathered, overrides) for mistake in declared)
    if isinstance(settings, Refused) or problems:
        named_too = [gathered.with_destination(problem) for problem in problems]
        return Problems.of(named_too, [document.file for document in gathered.documents])
    secret_files = _first([document.secret_files for document in gathered.documents])
    return Loaded(
        settings,
        tuple(Path(document.file) for document in gathered.documents),
        tuple(secret_files),
        (
            *unread(settings, gathered, overrides),
            *replaced_queries(gathered.data.get(DEFAULTS), gathered.destinations),
            *notes(settings, lambda steps: gathered.origin(steps) not in overrides and gathered.is_literal(steps)),
        ),
        gathered.indirect(),
        _first([secret_files, *(pem.stamps for pem in values_of(PemFiles, settings))]),
        tuple(gathered.test_files),
        () if stand_ins is None else stand_ins.names,
    )


def _first(of_each: Iterable[Mapping[Path, Stamp]]) -> dict[Path, Stamp]:
    """Every file with its stamp; one that was read twice, and changed between, with the first."""
    stamps: dict[Path, Stamp] = {}
    for some in of_each:
        for file, stamp in some.items():
            stamps.setdefault(file, stamp)
    return stamps


@dataclass(frozen=True, slots=True)
class Refused:
    """The error of pydantic on ``data``, which all sources gave together."""

    error: ValidationError = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)


def validated(
    data: dict[str, Any], environ: Mapping[str, str], overrides: Mapping[Steps, str], folder: Path
) -> Settings | Refused:
    """The settings from both sources, the environment first; ``folder`` is the main file's."""
    together = _overridden(data, Overrides(Settings, environ, overrides)())
    together = with_default_paths(Settings, together, folder)
    settings = Settings.__new__(Settings)
    try:
        # Not the ``__init__`` of BaseSettings, which would take a key of the file such as _env_file for its own option.
        BaseModel.__init__(settings, **together)
    except ValidationError as error:
        return Refused(error, together)
    return settings


def _overridden(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with all ``values`` in place, at any depth."""
    both = {key: (data.get(key), value) for key, value in values.items()}
    inner = {
        key: _overridden(below, above) if isinstance(below, Mapping) and isinstance(above, Mapping) else above
        for key, (below, above) in both.items()
    }
    return {**data, **inner}


def _duplicate_names(gathered: Gathered) -> Iterator[Problem]:
    first: dict[str, Problem] = {}
    for index, destination in enumerate(gathered.destinations):
        name = destination.get("name") if isinstance(destination, dict) else None
        at = ("destinations", index, "name")
        if not isinstance(name, str) or gathered.is_broken(at):
            continue
        if name in first:
            yield replace(gathered.problem(at, "the name is taken by another destination"), beside=first[name])
        first.setdefault(name, gathered.problem(at, ""))


def _repeated_segments(gathered: Gathered) -> Iterator[Problem]:
    """Repeated segments, in the words of the fields' own validators, which run only where every segment is right."""
    lists: list[tuple[Steps, object, str]] = [(("segments",), gathered.data.get("segments"), LISTED)]
    defaults = gathered.data.get(DEFAULTS)
    if isinstance(defaults, dict):
        lists.append(((DEFAULTS, "segments"), defaults.get("segments"), MAPPED))
    for index, destination in enumerate(gathered.destinations):
        mapped = destination.get("segments") if isinstance(destination, dict) else None
        lists.append((("destinations", index, "segments"), mapped, MAPPED))
    for at, listed, what in lists:
        yield from (gathered.problem((*at, *mistake.at), mistake.reason) for mistake in repeated(listed, what))


def _wrong_defaults(gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[Problem]:
    """What is wrong in the defaults whichever destination takes them."""
    defaults = gathered.data.get(DEFAULTS)
    if not isinstance(defaults, dict):
        return  # refused as no mapping
    own = [Failure((DEFAULTS, key), (Mistake((), OWN),)) for key in OWN_KEYS if key in defaults]
    errors = [{**details, "loc": (DEFAULTS, *details["loc"])} for details in errors_in(defaults)]
    for failure in (
        *own,
        *(_failure(Settings, cast(ErrorDetails, details), gathered, overrides) for details in errors),
    ):
        yield from (problem for _, problem in _placed(failure, gathered, overrides))


def translated(
    root: type[BaseModel],
    refused: Refused,
    gathered: Gathered,
    overrides: Mapping[Steps, str],
    known: Collection[Problem] = (),
) -> Iterator[Problem]:
    """All that pydantic says, and all that pydantic left out, as problems at a file and line, or at a variable.

    What makes the defaults wrong for one destination names that destination, unless the problem is ``known``.

    Args:
        root: the type of the whole.
        refused: the values that are not of the type.
        gathered: the files that the values stand in.
        overrides: the variables that gave values in place of the files.
        known: problems of the defaults as such.
    """
    errors = refused.error.errors(include_url=False, include_input=False)
    failures = [
        _failure(root, details, gathered, overrides) for details in errors if not _follows(details, gathered, overrides)
    ]
    for failure in (*failures, *left_out(root, refused.data, failures)):
        for place, problem in _placed(failure, gathered, overrides):
            is_shared = gathered.origin(place) != place and problem not in known
            yield replace(problem, destination=gathered.destination_at(place)) if is_shared else problem


def _placed(failure: Failure, gathered: Gathered, overrides: Mapping[Steps, str]) -> Iterator[tuple[Steps, Problem]]:
    """The problem of each mistake, with its place in the whole tree; none where the value could not be had."""
    for mistake in failure.mistakes:
        place = (*failure.at, *mistake.at)
        problem = _problem(place, mistake.reason, gathered, overrides)
        if mistake.beside is not None:
            beside = _problem((*failure.at, *mistake.beside), "", gathered, overrides)
            problem = replace(problem, beside=beside)
        if problem.file == ENVIRONMENT or failure.is_unknown_key or not gathered.is_broken(place):
            yield place, problem


def _problem(place: Steps, reason: str, gathered: Gathered, overrides: Mapping[Steps, str]) -> Problem:
    """A problem at a place in the whole tree, which a variable may have overridden."""
    variable = _variable(gathered.origin(place), overrides, gathered)
    return gathered.problem(place, reason) if variable is None else Problem(ENVIRONMENT, None, (variable,), reason)


def _follows(details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]) -> bool:
    """Whether pydantic misses an item only since it counts none that is wrong, of which it tells too."""
    return details["type"] == "too_short" and gathered.holds(_steps(details, gathered, overrides))


def _failure(
    root: type[BaseModel], details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]
) -> Failure:
    found = details["ctx"][KIND] if details["type"] == KIND else (Mistake((), _reason(root, details)),)
    at = _steps(details, gathered, overrides)
    if details["type"].startswith("union_tag"):
        # Of what is no mapping, pydantic says that its kind is missing.
        if gathered.exists(at) and not gathered.is_mapping(at):
            return Failure(at, (Mistake((), _REASONS["model_type"]),))
        at = (*at, "kind")
    return Failure(at, found, details["type"] == "extra_forbidden")


def _steps(details: ErrorDetails, gathered: Gathered, overrides: Mapping[Steps, str]) -> Steps:
    """The steps of an error in the written text; pydantic puts the tags of unions between the steps."""
    steps: Steps = ()
    location = details["loc"]
    names_a_key = details["type"] in ("missing", "extra_forbidden")
    for index, step in enumerate(location):
        further = (*steps, step)
        is_last = index == len(location) - 1
        overridden = any(override[: len(further)] == gathered.origin(further) for override in overrides)
        if gathered.exists(further) or overridden or (is_last and names_a_key):
            steps = further
    return steps


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
}


def _reason(root: type[BaseModel], details: ErrorDetails) -> str:
    """The reason, in few words; never with the value, which may be a secret."""
    if details["type"] == "extra_forbidden":
        first, *way = details["loc"]
        where = ("destinations", *way) if first == DEFAULTS else details["loc"]
        return f"unknown key{suggestion(root, where)}"
    if details["type"] == "union_tag_invalid":
        return f"should be one of {details['ctx']['expected_tags']}"
    if details["type"] == "too_short":
        return f"needs at least {details['ctx']['min_length']} item"
    known = _REASONS.get(details["type"])
    return known if known is not None else details["msg"].replace("Input should", "should", 1)
