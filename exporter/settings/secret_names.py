"""Which names of headers, parameters and form fields are of secrets, where nothing else says so of their values."""

from __future__ import annotations

import re

#: Wherever they stand in a name.
_PARTS = (
    r"apikey|apitoken|assertion|bearer|cookie|credential|hmac|jwt|passphrase|passw|pwd|secret|session|token"
    r"|(?:^|[-_. ])auth(?!ors?(?:$|[-_. ]))"
)
#: As whole words of a name.
_WORDS = (
    r"(?:access|account|api|app|client|functions?|license|master|private|service|shared|signing|subscription|user)?keys?"
    r"|creds?|otp|pass|pat|pin|sas|sid|sig|sign|signature"
)
_SECRET = re.compile(rf"{_PARTS}|^code$|(?:^|[-_. ])(?:{_WORDS})(?:$|[-_. ])", re.IGNORECASE)
#: Where a word ends within ``accessKey``.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_secret(name: str) -> bool:
    """Whether a value of this name is taken for a secret."""
    return bool(_SECRET.search(name) or _SECRET.search(_HUMP.sub("-", name)))
