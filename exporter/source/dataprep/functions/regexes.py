"""The functions with regular expressions."""

from __future__ import annotations

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.patterns import Pattern
from exporter.source.dataprep.run import Run

CATEGORY = "Regular expression"

_INPUT = Argument("input", Type.TEXT, "the text")
_PATTERN = Argument("regex", Type.PATTERN, "the regular expression")


def _extract(run: Run, text: str, pattern: Pattern) -> list[str | None] | None:
    match = pattern.first(text)
    return None if match is None else run.bounded([match.group(0), *match.groups()])


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "extract_regex",
        CATEGORY,
        "The first match and its groups",
        (_INPUT, _PATTERN),
        Type.ARRAY,
        _extract,
        (
            Example(
                'extract_regex("E259,E259B_009,1_1", "([^,]+),[^,]*,([^,]+)")',
                '["E259,E259B_009,1_1", "E259", "1_1"]',
            ),
        ),
    ),
    Function(
        "matches_regex",
        CATEGORY,
        "Whether the expression matches all of the text",
        (_INPUT, _PATTERN),
        Type.BOOLEAN,
        lambda _run, text, pattern: pattern.whole(text) is not None,
        (
            Example('matches_regex("E259,E259B_009,1_1", "([^,]+),[^,]*,([^,]+)")', "true"),
            Example("matches_regex('Jim', 'J')", "false"),
        ),
    ),
)
