"""The checks of a section as a whole that pydantic leaves out where a field is wrong.

An operator is told everything at once. So the right parts of such a section are put together, and the section's checks
run on the parts. A check that needs a wrong value finds no such attribute and is left until the value is mended: no
message is ever about a stand-in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from exporter.sections.mistakes import KIND, Mistake, Steps
from exporter.sections.section import Section, shadowing_keys
from exporter.settings.loading.suggestions import is_of_kind, sections_in


@dataclass(frozen=True, slots=True)
class Failure:
    """A validator refused the value at ``at``; the places of its ``mistakes`` count from there.

    ``is_unknown_key``: the key is refused, whatever its value.
    """

    at: Steps
    mistakes: tuple[Mistake, ...]
    is_unknown_key: bool = False


def mistakes_of(error: PydanticCustomError) -> tuple[Mistake, ...]:
    """The mistakes found by the validator that raised ``error``."""
    context = error.context or {}
    return tuple(context[KIND]) if error.type == KIND else (Mistake((), error.message()),)


def left_out(root: type[BaseModel], data: Mapping[str, Any], failures: Sequence[Failure]) -> list[Failure]:
    """The failures of whole-section checks that pydantic left out; some may be in ``failures`` already.

    Args:
        root: the type of the whole configuration.
        data: the values for the whole configuration.
        failures: every failure that pydantic found.
    """
    walk = _Walk(failures)
    walk.section(root, data, ())
    return walk.found


class _Walk:
    """Goes down to every section with a failure inside, and checks inner sections first."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self._failures = failures
        self.found: list[Failure] = []

    def section(self, section: type[BaseModel], data: Mapping[str, Any], at: Steps) -> BaseModel | None:
        """The section with only the attributes that are right or partly right, after its checks were run."""
        fields = section.model_fields
        wrong = self._below(at)
        right = {name: data[name] for name in fields if name in data and name not in wrong}
        parts: dict[str, BaseModel] = {}
        for name in (name for name in fields if name in wrong and name in data):
            place = (*at, name)
            if get_origin(fields[name].annotation) in (dict, Mapping):
                if (entries := self._entries(data[name], place)) is not None:
                    right[name] = entries
            elif (part := self._part(fields[name], data[name], place)) is not None:
                parts[name] = part
        values = _validated(section, [name for name in fields if name not in wrong or name in right], right)
        if values is None:
            return None
        partial = section.model_construct()
        vars(partial).clear()
        vars(partial).update(values, **parts)
        self._check(partial, at)
        return partial

    def _part(self, field: FieldInfo, value: object, at: Steps) -> BaseModel | None:
        """A section with a mistake inside. A list of sections has no part that a check could use."""
        sections = list(sections_in(field.annotation))
        if isinstance(value, list):
            wrong = self._below(at)
            for index, item in enumerate(value):
                if len(sections) == 1 and isinstance(item, dict) and index in wrong:
                    self.section(sections[0], item, (*at, index))
        elif isinstance(value, dict):
            default = getattr(field.get_default(call_default_factory=True), "kind", None)
            kind = value.get("kind", default)
            for section in sections:
                if len(sections) == 1 or is_of_kind(section, kind):
                    return self.section(section, {"kind": kind, **value} if len(sections) > 1 else value, at)
        return None

    def _entries(self, value: object, at: Steps) -> dict[str, Any] | None:
        """The right entries of a mapping, unless the mapping is wrong as a whole."""
        places = [(*failure.at, *mistake.at) for failure in self._failures for mistake in failure.mistakes]
        wrong = {place[len(at)] for place in places if len(place) > len(at) and place[: len(at)] == at}
        if not isinstance(value, dict) or at in places:
            return None
        return {key: entry for key, entry in value.items() if key not in wrong}

    def _below(self, at: Steps) -> set[str | int]:
        """The keys or items with mistakes, directly below the value at ``at``."""
        refused = (failure.at for failure in self._failures)
        return {place[len(at)] for place in refused if len(place) > len(at) and place[: len(at)] == at}

    def _check(self, partial: BaseModel, at: Steps) -> None:
        for name, check in type(partial).__pydantic_decorators__.model_validators.items():
            if check.info.mode != "after":
                continue
            try:
                getattr(partial, name)()
            except PydanticCustomError as error:
                self.found.append(Failure(at, mistakes_of(error)))
            except (AttributeError, ValueError):  # the check needs a wrong value
                continue


def _validated(section: type[BaseModel], names: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values of these fields, with defaults; None if a named file changed meanwhile."""
    fields: dict[str, Any] = {
        name: (section.model_fields[name].annotation, section.model_fields[name]) for name in names
    }
    try:
        with shadowing_keys():
            right = create_model("Right", __base__=Section, **fields)
        return dict(vars(right.model_validate(values)))
    except ValidationError:
        return None
