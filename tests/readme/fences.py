"""The fenced snippets of a Markdown file, with the HTML comment that stands right before each."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_NOT_RUN = re.compile(r"not run: (.+)")
_ENVIRONMENT = re.compile(r"environment: (\w+)=([^:\n]+): .+")


@dataclass(frozen=True, slots=True)
class Fence:
    """One snippet.

    ``not_run`` is the reason why a test leaves it out, ``environment`` a variable and its value that it is run with.
    """

    line: int
    language: str
    text: str
    not_run: str | None = None
    environment: tuple[str, str] | None = None


def fences(markdown: str) -> list[Fence]:
    """The snippets in their order. A comment that is no mark raises ValueError, so that a slip can't hide a snippet."""
    return [_fence(markdown, match) for match in _FENCE.finditer(markdown)]


def _fence(markdown: str, match: re.Match[str]) -> Fence:
    line = markdown.count("\n", 0, match.start("language")) + 1
    mark, language, text = match["mark"], match["language"], match["text"]
    if mark is None:
        return Fence(line, language, text)
    if reason := _NOT_RUN.fullmatch(mark):
        return Fence(line, language, text, not_run=reason[1])
    if variable := _ENVIRONMENT.fullmatch(mark):
        return Fence(line, language, text, environment=(variable[1], variable[2]))
    raise ValueError(f"line {line}: a comment before a snippet that means nothing: {mark}")
