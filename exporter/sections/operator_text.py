"""The rule for text that an operator hands over: which characters are no part of the text, and which are refused.

The rule holds for secrets and for names beside secrets, from any source: a file, a variable, the configuration.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from exporter.sections.mistakes import mistake

_BYTE_ORDER_MARK = "\ufeff"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def trimmed(text: str) -> str:
    """The text without the additions of editors, shells and mounts: a byte order mark before, line breaks behind."""
    return text.removeprefix(_BYTE_ORDER_MARK).rstrip("\r\n")


def has_control_character(text: str, *, but_lines: bool = False) -> bool:
    """Whether the text has a control character; with ``but_lines``, line breaks and tabs count as none."""
    return (_CONTROL_IN_LINES if but_lines else _CONTROL).search(text) is not None


def has_blanks_around(text: str) -> bool:
    """Whether the text begins or ends with white space."""
    return text != text.strip()


def one_line(text: str) -> str:
    """The text by the rule.

    Raises:
        PydanticCustomError: the text has a control character; the reason does not show the text.
    """
    text = trimmed(text)
    if has_control_character(text):
        raise mistake("must not contain a control character, such as a line break or a tab")
    return text


#: A name that is presented together with a secret.
OneLine = Annotated[str, AfterValidator(one_line)]
