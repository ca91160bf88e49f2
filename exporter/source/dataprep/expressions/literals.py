"""The values of literals: numbers with their suffixes and bases, strings with their escapes."""

from __future__ import annotations

import math
import re

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def integer(text: str) -> int:
    """``12``, ``0x1F``, ``010`` (which is 8), ``2L``, ``3H``."""
    digits = text.rstrip("lLhH")
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    if digits[0] == "0" and digits.strip("01234567") == "":
        return int(digits, 8)
    return int(digits)


def decimal(text: str) -> float | None:
    """``1.5``, ``1e3``, ``1.5f``, ``4.5B``; None where the number is too large."""
    number = float(text.rstrip("fFdDbB"))
    return number if math.isfinite(number) else None


def string(text: str) -> str:
    r"""The text between the quotes, where ``\n \t \r \b \f \' \" \\ \uXXXX`` each stand for one character."""
    found = _ESCAPE.sub(_character, text[1:-1])
    # Two escapes may make one character beyond the 16th bit; half of one is no character.
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in text else found


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code in "'\"\\`":
        return code
    return _CONTROLS.get(code, escape[0])
