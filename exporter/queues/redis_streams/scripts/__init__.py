"""The Lua scripts, one file each: what has to happen as a whole, most of it only while a reader still holds its lease.

A reader that was away for longer than its lease, because its process stood still or its network was cut, must
neither take entries from nor acknowledge them for the reader that came after it. Redis looks at the lease in the
same step, so that does not depend on anybody's clock.
"""

from __future__ import annotations

from typing import Final

from exporter.queues.redis_streams.server import Script

HOLD: Final = Script.of(__name__, "hold")
RELEASE: Final = Script.of(__name__, "release")
READ: Final = Script.of(__name__, "read")
ACKNOWLEDGE: Final = Script.of(__name__, "acknowledge")
COUNTED: Final = Script.of(__name__, "counted")
COUNT: Final = Script.of(__name__, "count")
SEEK: Final = Script.of(__name__, "seek")
DROP: Final = Script.of(__name__, "drop")
TRIM: Final = Script.of(__name__, "trim")
