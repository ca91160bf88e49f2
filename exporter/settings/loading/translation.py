"""Translates what pydantic says of wrong values: to sentences, each at a file and line or at a variable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from exporter.sections.mistakes import KIND, Mistake, Steps
from exporter.settings.loading.cross_checks import Failure, left_out
from exporter.settings.loading.destination_defaults import DEFAULTS
from exporter.settings.loading.gathering import Gathered
from exporter.settings.loading.problems import ENVIRONMENT, Problem
from exporter.settings.loading.suggestions import suggestion
from exporter.settings.loading.validation import Refused

_REASONS = {
    "missing": "this key is required",
    "union_tag_not_found": "this key is required",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "dict_type": "should be a mapping",
    "mapping_type": "should be a mapping",
    "sequence_str": "should be a list",
    "sequence_type": "should be a list",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
    "string_type": "should be text",
    "path_type": "should be a path",
    "string_too_short": "must not be empty",
}


@dataclass(frozen=True, slots=True)
class Translation:
    """Says where in the written text a mistake is, and what is wrong.

    Attributes:
        root: the type of the whole.
        gathered: the files that the values stand in.
        overrides: the variables that gave values in place of the files, by the steps to the value.
    """

    root: type[BaseModel]
    gathered: Gathered
    overrides: Mapping[Steps, str]

    def of(self, refused: Refused, known: Collection[Problem] = ()) -> Iterator[Problem]:
        """All that pydantic says of values that are not of the type, and all that pydantic left out.

        What makes the defaults wrong for one destination names that destination, unless the problem is among those that
        are ``known`` of the defaults as such.
        """
        errors = refused.error.errors(include_url=False, include_input=False)
        failures = [self.failure(details) for details in errors if not self._follows(details)]
        for failure in (*failures, *left_out(self.root, refused.data, failures)):
            for place, problem in self._placed(failure):
                is_shared = self.gathered.origin(place) != place and problem not in known
                yield replace(problem, destination=self.gathered.destination_at(place)) if is_shared else problem

    def problems(self, failure: Failure) -> Iterator[Problem]:
        """The problem of each mistake; none where the value could not be had."""
        return (problem for _, problem in self._placed(failure))

    def problem(self, place: Steps, reason: str) -> Problem:
        """A problem at a place in the whole tree, which a variable may have overridden."""
        variable = self._variable(self.gathered.origin(place))
        if variable is not None:
            return Problem(ENVIRONMENT, None, (variable,), reason)
        return self.gathered.problem(place, reason)

    def failure(self, details: ErrorDetails) -> Failure:
        """One error of pydantic, at the steps of the written text."""
        found = details["ctx"][KIND] if details["type"] == KIND else (Mistake((), _reason(self.root, details)),)
        at = self._steps(details)
        if details["type"].startswith("union_tag"):
            # Of what is no mapping, pydantic says that its kind is missing.
            if self.gathered.exists(at) and not self.gathered.is_mapping(at):
                return Failure(at, (Mistake((), _REASONS["model_type"]),))
            at = (*at, "kind")
        return Failure(at, found, details["type"] == "extra_forbidden")

    def _placed(self, failure: Failure) -> Iterator[tuple[Steps, Problem]]:
        """As ``problems``, each with its place in the whole tree."""
        for mistake in failure.mistakes:
            place = (*failure.at, *mistake.at)
            problem = self.problem(place, mistake.reason)
            if mistake.beside is not None:
                problem = replace(problem, beside=self.problem((*failure.at, *mistake.beside), ""))
            if problem.file == ENVIRONMENT or failure.is_unknown_key or not self.gathered.is_broken(place):
                yield place, problem

    def _follows(self, details: ErrorDetails) -> bool:
        """Whether pydantic misses an item only since it counts none that is wrong, of which it tells too."""
        return details["type"] == "too_short" and self.gathered.holds(self._steps(details))

    def _steps(self, details: ErrorDetails) -> Steps:
        """The steps of an error in the written text; pydantic puts the tags of unions between the steps."""
        steps: Steps = ()
        location = details["loc"]
        names_a_key = details["type"] in ("missing", "extra_forbidden")
        for index, step in enumerate(location):
            further = (*steps, step)
            is_last = index == len(location) - 1
            origin = self.gathered.origin(further)
            overridden = any(override[: len(further)] == origin for override in self.overrides)
            if self.gathered.exists(further) or overridden or (is_last and names_a_key):
                steps = further
        return steps

    def _variable(self, steps: Steps) -> str | None:
        """The variable whose value is at fault, if any."""
        for override, name in self.overrides.items():
            if steps[: len(override)] == override:
                return name
            if override[: len(steps)] == steps and not self.gathered.holds(steps):
                return name
        return None


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
