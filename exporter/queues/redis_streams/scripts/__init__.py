"""The Lua scripts, a file each, for changes that must happen as a whole, most of them only under the reader's lease.

A reader that was away for longer than the lease, because the process stood still or the network was cut, must neither
take entries from the next reader nor acknowledge entries for the next reader. Redis looks at the lease in the same
step, so no clock of a client matters.
"""

from __future__ import annotations

from typing import Final

from exporter.redis_server.server import Script

PUBLISH: Final = Script.of(__name__, "publish")
HOLD: Final = Script.of(__name__, "hold")
RELEASE: Final = Script.of(__name__, "release")
READ: Final = Script.of(__name__, "read")
ACKNOWLEDGE: Final = Script.of(__name__, "acknowledge")
COUNTED: Final = Script.of(__name__, "counted")
COUNT: Final = Script.of(__name__, "count")
SEEK: Final = Script.of(__name__, "seek")
DROP: Final = Script.of(__name__, "drop")
TRIM: Final = Script.of(__name__, "trim")
