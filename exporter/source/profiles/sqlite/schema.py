"""The tables of the profile store's file."""

from __future__ import annotations

from typing import Final

from exporter.database import Schema

_TABLES = """
-- Numbers and positions never come back, so the next ones stand here, and not in what may be deleted.
CREATE TABLE store (
  name TEXT NOT NULL,
  checked_at REAL NOT NULL,
  next_profile INTEGER NOT NULL,
  next_event INTEGER NOT NULL,
  told_bytes INTEGER NOT NULL, -- of all events that were ever told
  deleted_to INTEGER NOT NULL,
  profiles INTEGER NOT NULL,
  identities INTEGER NOT NULL,
  joins INTEGER NOT NULL,
  refused_links INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (lower(hex(randomblob(8))), 0, 1, 1, 0, 0, 0, 0, 0, 0);

-- The only table whose keys come in no order. A key is a hash of namespace and id.
CREATE TABLE identities (key BLOB PRIMARY KEY, profile INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- A profile is read and written as a whole: MessagePack of identities, fragments and memberships.
CREATE TABLE profiles (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
-- Until when an identity was deleted: what was taken up to then is not applied any more.
CREATE TABLE erased (key BLOB PRIMARY KEY, taken INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
  number INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (namespace, id)
) STRICT;
-- Who is in a segment, in the order in which a backfill goes.
CREATE TABLE members (
  segment INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (segment, profile)
) STRICT, WITHOUT ROWID;

-- A row holds the events of a transaction from number ``first`` to ``last``; ``told_bytes`` as in ``store``, after it.
CREATE TABLE outbox (
  last INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  told_bytes INTEGER NOT NULL,
  events BLOB NOT NULL
) STRICT;

CREATE TABLE marks (
  queue TEXT NOT NULL,
  lane TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (queue, lane)
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE backfills (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  destination TEXT NOT NULL,
  mapped INTEGER NOT NULL,
  passed INTEGER NOT NULL, -- the number of the last profile
  done INTEGER NOT NULL,
  total INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  finished INTEGER NOT NULL
) STRICT;
-- Of all profiles: one row without namespace and segment.
CREATE TABLE backfilled (
  destination TEXT NOT NULL,
  mapped INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  segment TEXT NOT NULL,
  backfill INTEGER NOT NULL,
  PRIMARY KEY (destination, mapped, namespace, segment)
) STRICT, WITHOUT ROWID;
"""

# Records of time series: whose, by the key of their primary identity, so that they follow it wherever it is linked.
_TIME_SERIES = """
CREATE TABLE time_series (
  key BLOB NOT NULL,
  taken INTEGER NOT NULL,
  name TEXT NOT NULL, -- the record's xactionId
  dataset TEXT NOT NULL,
  entity BLOB NOT NULL, -- JSON
  PRIMARY KEY (key, taken, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX time_series_by_time ON time_series (taken);
"""

# Whose number an event has, for the queue that skips what it has: see ``outbox``. Before, all were the store's own.
_PRODUCERS = """
ALTER TABLE outbox ADD COLUMN producer TEXT NOT NULL DEFAULT '';
UPDATE outbox SET producer = (SELECT name FROM store);
"""

# What became of records: of each flow, dataset and hour in which they were taken, and of each outcome, so many.
_RUNS = """
CREATE TABLE runs (
  hour INTEGER NOT NULL,
  flow TEXT NOT NULL,
  dataset TEXT NOT NULL,
  outcome TEXT NOT NULL,
  records INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  first INTEGER NOT NULL, -- taken
  last INTEGER NOT NULL,
  waited INTEGER NOT NULL, -- all together, from being taken to being applied
  fastest INTEGER NOT NULL,
  slowest INTEGER NOT NULL,
  counted INTEGER NOT NULL, -- the last of them
  PRIMARY KEY (hour, flow, dataset, outcome)
) STRICT, WITHOUT ROWID;
-- Which records are counted as failed, so that each is counted once however often it comes again.
CREATE TABLE failed (name TEXT PRIMARY KEY, hour INTEGER NOT NULL, outcome TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX failed_by_hour ON failed (hour);
"""

#: "expp"
APPLICATION_ID: Final = 0x65787070

SCHEMA: Final = Schema(
    application_id=APPLICATION_ID, what="a store of profiles", migrations=(_TABLES, _TIME_SERIES, _PRODUCERS, _RUNS)
)
