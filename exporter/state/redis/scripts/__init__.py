"""The Lua scripts, a file each behind ``common.lua``, for changes that must happen as a whole or not at all.

Keys, all behind the configured prefix ``P``:

* ``meta``: hash of ``identity``, ``schema`` and ``newest``, the highest id ever given.
* ``letter:<id>``: hash, the fields of a letter.
* ``ids``, ``ids:<destination>``: ids, sorted by id.
* ``places:<length of group>:<group>:<lane>``: hash, position to id. ``highest:<group>``: hash, lane to the highest
  position that ever had a letter. ``readers:<group>``: hash, lane to the last reader that began the lane.
* ``current:<destination>``: letters that are not superseded, ``<profile> 0 <id>`` in the order of bytes.
* ``asked:<destination>``: letters whose replay is asked for, ``<lane> 0 <position, 20 digits> 0 <id>`` likewise.
  ``asked-lanes:<destination>``: hash, lane to the number of such letters. ``asking``: the same by destination.
* ``purged``: ids of letters that were purged while their replay waited, sorted by id; the oldest of many are forgotten.
  ``excluded``: likewise of those whose replay was not sent, since the mapping excluded them by then.
* ``totals``: hash, ``<destination>:letters`` and ``<destination>:bytes``.
* ``bad-record:<id>``: hash, the fields of a bad record; ``newest-bad`` of ``meta`` is the highest id ever given.
  ``bad-ids``: ids, sorted by id. ``bad-newest``: the same, the newest first, since Redis users that were made for dead
  letters may not read backwards. ``bad-refused``: those of refused elements. ``bad-names``: hash, name to id.
  ``bad-totals``: hash, ``<reason>:letters`` and ``<reason>:bytes``.
* ``made-objects``: hash, ``<kind>/<id>`` to a document; ``made-objects`` of ``meta`` is their revision.
* ``mapping-times:<destination>``: see ``mapping_times``. ``interventions``: see ``interventions``.

Positions may have 63 bits and a number in Lua has 53, so positions are compared as text.

At ``maxmemory`` Redis refuses every command of a transaction, reading commands too. Of a script Redis refuses the
first command that may need memory, and none after a command that wrote. So everything that must work then is a
script: a script that deletes does that first, and then works in any case; a script that adds fails before any change.
"""

from __future__ import annotations

from typing import Final

from exporter.redis_server.server import Script

PUT: Final = Script.of(__name__, "common", "supersede", "put")
BEGIN: Final = Script.of(__name__, "common", "begin")
LEAVE: Final = Script.of(__name__, "common", "leave")
OVERVIEW: Final = Script.of(__name__, "common", "overview")
REPLAYS: Final = Script.of(__name__, "common", "replays")
REPLAYED: Final = Script.of(__name__, "common", "replayed")
FAILED: Final = Script.of(__name__, "common", "failed")
REQUESTED: Final = Script.of(__name__, "common", "requested")
SINCE: Final = Script.of(__name__, "common", "since")
SELECT: Final = Script.of(__name__, "common", "select")
BAD_KEEP: Final = Script.of(__name__, "common", "bad_records", "bad_keep")
BAD_DELETE: Final = Script.of(__name__, "common", "bad_records", "bad_delete")
BAD_SELECT: Final = Script.of(__name__, "common", "bad_records", "bad_select")
MADE_OBJECTS: Final = Script.of(__name__, "common", "made_objects")
