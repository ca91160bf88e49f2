"""Scalars that the environment overrides: ``EXPORTER__QUEUE__PATH=…`` (contract.md#configuration)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from exporter.sections.mistakes import Steps
from exporter.sections.operator_text import trimmed
from exporter.settings.loading.problems import ENVIRONMENT, Problem

PREFIX = "EXPORTER__"
DELIMITER = "__"

_LISTS = frozenset({"destinations", "segments"})


def find_overrides(known: Mapping[str, object], environ: Mapping[str, str]) -> tuple[dict[Steps, str], list[Problem]]:
    """The variables that override a value, by the steps to the value; and those that can't.

    ``known`` are the keys of the configuration's top level. A variable with a single underscore after ``EXPORTER``, as
    ``EXPORTER_CONFIG``, is ignored.
    """
    found: dict[Steps, str] = {}
    problems: list[Problem] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        steps = tuple(name.removeprefix(PREFIX).lower().split(DELIMITER))
        if steps[0] in _LISTS:
            problems.append(Problem(ENVIRONMENT, None, (name,), "what stands in a list cannot be overridden"))
        elif steps[0] not in known:
            close = get_close_matches(steps[0], [key for key in known if key not in _LISTS], n=1)
            hint = f"; did you mean {PREFIX}{DELIMITER.join((close[0], *steps[1:])).upper()}?" if close else ""
            problems.append(Problem(ENVIRONMENT, None, (name,), f"overrides no key of the configuration{hint}"))
        else:
            found[steps] = name
    return found, problems


class Overrides(EnvSettingsSource):
    """pydantic-settings' source for the environment, over an environment that is passed in."""

    def __init__(
        self, settings_cls: type[BaseSettings], environ: Mapping[str, str], names: Mapping[Steps, str]
    ) -> None:
        super().__init__(settings_cls)
        self.env_vars = parse_env_vars(
            {name: trimmed(environ[name]) for name in names.values()},
            case_sensitive=False,
            ignore_empty=False,
            parse_none_str="null",
        )
