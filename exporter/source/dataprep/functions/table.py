"""The table of functions: evaluation, ``languages/el/functions``, the documentation and the tests come from here.

Not in it, and so unknown: the functions on user agents (``ua_...``), those of Analytics (``aa_...``), and
``fpid_to_ecid``, whose arithmetic is not public.
"""

from __future__ import annotations

from exporter.source.dataprep.functions import (
    arrays,
    conversions,
    hashes,
    maps,
    moments,
    objects,
    regexes,
    strings,
    urls,
)
from exporter.source.dataprep.functions.signatures import Function

TABLE: tuple[Function, ...] = (
    *strings.FUNCTIONS,
    *regexes.FUNCTIONS,
    *hashes.FUNCTIONS,
    *urls.FUNCTIONS,
    *moments.FUNCTIONS,
    *objects.FUNCTIONS,
    *maps.FUNCTIONS,
    *arrays.FUNCTIONS,
    *conversions.FUNCTIONS,
)
#: By every name that a function has.
FUNCTIONS: dict[str, Function] = {name: each for each in TABLE for name in (each.name, *each.aliases)}
