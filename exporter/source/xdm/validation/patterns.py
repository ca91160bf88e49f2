"""Patterns of schemas, on RE2: no text can make one slow, whatever the pattern."""

from __future__ import annotations

import re

import re2

from exporter.source.xdm.validation.nodes import Pattern

#: ``\u00e9`` of JavaScript, behind an even number of backslashes.
_UNICODE_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")
_LONGEST = 10_000


def compile_pattern(text: str) -> Pattern | str:
    """The pattern, or why it is refused.

    The syntax is RE2's: what backtracks (look-around, back references, possessive quantifiers) does not exist there.
    A match may begin anywhere; ``$`` is the end of the text, and not a line break before it.
    """
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    translated = _UNICODE_ESCAPE.sub(r"\1\\x{\2}", text)
    try:
        # Bytes, since what the library does for positions in a str costs more than the search.
        search = re2.compile(translated.encode("utf-8", "replace"), options).search
    except re2.error as error:
        reason = error.args[0] if error.args else b"not readable"
        return f"is no pattern that RE2 reads: {reason.decode('utf-8', 'replace')}"

    def found(value: str) -> bool:
        # A lone surrogate has no UTF-8; to a pattern it is a question mark.
        return search(value.encode("utf-8", "replace")) is not None

    return Pattern(text, found)
