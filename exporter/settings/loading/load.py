"""Loads a configuration: files and environment in, settings or all mistakes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pydantic_core import ErrorDetails

from exporter.sections.mistakes import Mistake, Steps
from exporter.sections.paths import NoHome, expanded
from exporter.sections.regular_file import Stamp
from exporter.sections.section import values_of
from exporter.sections.tls import PemFiles
from exporter.settings.declared import declared_mistakes
from exporter.settings.loading.cross_checks import Failure
from exporter.settings.loading.destination_defaults import DEFAULTS, OWN, OWN_KEYS, errors_in, replaced_queries
from exporter.settings.loading.former_places import left_behind, unread
from exporter.settings.loading.gathering import Gathered, gather
from exporter.settings.loading.neighbours import neighbours
from exporter.settings.loading.overrides import find_overrides
from exporter.settings.loading.problems import Problem, Problems
from exporter.settings.loading.stand_ins import StandIns
from exporter.settings.loading.translation import Translation
from exporter.settings.loading.validation import Refused, declarations, validated
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
    translation = Translation(Settings, gathered, overrides)
    while stand_ins is not None and isinstance(settings, Refused):
        if not stand_ins.replaced(translation.of(settings)):
            break
        settings = validated(gathered.with_defaults(), environ, overrides, path.parent)
    wrong_defaults = list(_wrong_defaults(gathered.data.get(DEFAULTS), translation))
    problems.extend(wrong_defaults if stand_ins is None else stand_ins.translated(wrong_defaults))
    if isinstance(settings, Refused):
        refused = translation.of(settings, problems)
        problems.extend(refused if stand_ins is None else stand_ins.translated(refused))
    elif stand_ins is None:
        problems.extend(left_behind(settings, gathered, overrides))
    declaring = declarations(settings) if isinstance(settings, Refused) else settings
    if stand_ins is None and declaring is not None:
        problems.extend(translation.problem(mistake.at, mistake.reason) for mistake in declared_mistakes(declaring))
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
            *neighbours(settings, path, environ),
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


def _wrong_defaults(defaults: object, translation: Translation) -> Iterator[Problem]:
    """What is wrong in the defaults whichever destination takes them."""
    if not isinstance(defaults, dict):
        return  # refused as no mapping
    for key in OWN_KEYS:
        if key in defaults:
            yield from translation.problems(Failure((DEFAULTS, key), (Mistake((), OWN),)))
    for details in errors_in(defaults):
        error = cast(ErrorDetails, {**details, "loc": (DEFAULTS, *details["loc"])})
        yield from translation.problems(translation.failure(error))
