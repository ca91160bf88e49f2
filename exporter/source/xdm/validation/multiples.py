"""Whether a number is a multiple of another one: by the very arithmetic of the compiled check."""

from __future__ import annotations

import math
from decimal import Decimal

from exporter.source.xdm.validation.nodes import Number


def is_multiple(value: Number, divisor: Number) -> bool:
    """Whole numbers are exact, fractions count as the decimals that their text is: 19.01 is a multiple of 0.01."""
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    try:
        quotient = Decimal(repr(value)) / Decimal(repr(divisor)) if isinstance(divisor, float) else value / divisor
        return int(quotient) == quotient and value / divisor != math.inf
    except OverflowError:
        return False
