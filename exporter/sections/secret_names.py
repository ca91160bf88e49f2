"""Which names of headers, parameters and form fields stand for secrets, where nothing else says so of the values."""

from __future__ import annotations

import re
from typing import Final

_HUMP = r"(?<=[a-z0-9])(?=[A-Z])"
_BEGINS = rf"(?:^|[-_. ]|{_HUMP})"
_ENDS = rf"(?:$|[-_. ]|{_HUMP})"
#: Anywhere in a name.
_PARTS = "apikey|apitoken|assertion|bearer|cookie|credential|hmac|jwt|passphrase|passw|pwd|secret|session|token"
#: As whole words of a name.
_WORDS = (
    "(?:access|account|api|app|client|functions?|license|master|private|service|shared|signing|subscription|user)?keys?"
    "|creds?|otp|pass|pat|pin|sas|sid|sig|sign|signature"
)

#: Found in a name whose value is taken for a secret.
SECRET_NAME: Final = re.compile(
    rf"(?i:{_PARTS}|^code$)|{_BEGINS}(?i:auth)(?!(?i:ors?){_ENDS})|{_BEGINS}(?i:{_WORDS}){_ENDS}"
)
