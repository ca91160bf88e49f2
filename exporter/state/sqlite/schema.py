"""The tables of the state's SQLite file, and the triggers that keep totals right."""

from __future__ import annotations

from typing import Final

from exporter.database import Schema

_LETTERS = """
CREATE TABLE letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL,
  lane TEXT NOT NULL,
  position INTEGER NOT NULL,
  destination TEXT NOT NULL,
  profile_id TEXT,
  event_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  status INTEGER,
  attempts INTEGER NOT NULL,
  first_at REAL NOT NULL,
  at REAL NOT NULL,
  superseded INTEGER NOT NULL,
  replay TEXT NOT NULL DEFAULT 'none',
  bytes INTEGER NOT NULL,
  answer TEXT NOT NULL,
  body BLOB NOT NULL, -- last, since SQLite walks through what stands before a column
  UNIQUE (group_name, lane, position)
) STRICT;

CREATE INDEX letters_current ON letters (destination, profile_id) WHERE superseded = 0;
CREATE INDEX letters_asked ON letters (destination, lane, position) WHERE replay <> 'none';

-- Kept by triggers, so that a purge by the command is counted like anything else.
CREATE TABLE totals (
  destination TEXT PRIMARY KEY,
  letters INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER letter_in AFTER INSERT ON letters BEGIN
  INSERT INTO totals VALUES (new.destination, 1, new.bytes)
  ON CONFLICT DO UPDATE SET letters = letters + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER letter_out AFTER DELETE ON letters BEGIN
  UPDATE totals SET letters = letters - 1, bytes = bytes - old.bytes WHERE destination = old.destination;
END;
CREATE TRIGGER letter_changed AFTER UPDATE OF bytes ON letters BEGIN
  UPDATE totals SET bytes = bytes + new.bytes - old.bytes WHERE destination = new.destination;
END;

CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 0), filler BLOB NOT NULL) STRICT;
"""

_MAPPING_TIMES = """
CREATE TABLE mapping_times (
  destination TEXT NOT NULL,
  namespace TEXT NOT NULL,
  segment TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (destination, namespace, segment)
) STRICT, WITHOUT ROWID;
"""

_IDENTITY = """
CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 0), name TEXT NOT NULL) STRICT;
INSERT INTO identity VALUES (0, lower(hex(randomblob(16))));
"""

_UNSENT = """
-- Letters that were deleted while their replay waited and never was sent, and why: purged or excluded.
CREATE TABLE unsent (id INTEGER PRIMARY KEY, why TEXT NOT NULL) STRICT;
"""

_INTERVENTIONS = """
-- What operators have asked of a group by hand. Without a time, there is no pause.
CREATE TABLE interventions (
  group_name TEXT PRIMARY KEY,
  paused_at REAL,
  paused_by TEXT NOT NULL DEFAULT '',
  paused_why TEXT NOT NULL DEFAULT '',
  probes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
"""

_BAD_RECORDS = """
-- Records of the way in that could not be applied, and refused elements of batches (reason batch_message).
CREATE TABLE bad_records (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  inlet TEXT NOT NULL,
  source TEXT NOT NULL,
  flow TEXT NOT NULL,
  dataset TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  taken INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  identity TEXT,
  violations BLOB NOT NULL,
  message BLOB NOT NULL -- last, as above
) STRICT;

CREATE INDEX bad_records_by_reason ON bad_records (reason, id);

CREATE TABLE bad_record_totals (
  reason TEXT PRIMARY KEY,
  letters INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER bad_record_in AFTER INSERT ON bad_records BEGIN
  INSERT INTO bad_record_totals VALUES (new.reason, 1, new.bytes)
  ON CONFLICT DO UPDATE SET letters = letters + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER bad_record_out AFTER DELETE ON bad_records BEGIN
  UPDATE bad_record_totals SET letters = letters - 1, bytes = bytes - old.bytes WHERE reason = old.reason;
END;
"""

_MADE_IDS = """
-- Ids that were made for what the configuration leaves out: inlets, connections, flows.
CREATE TABLE made_ids (name TEXT PRIMARY KEY, id TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_MADE_OBJECTS = """
-- Objects that were made through the control plane: connections, flows, mapping sets and the like.
CREATE TABLE made_objects (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
"""

_MADE_OBJECTS_REVISION = """
-- Of made_objects: one row, another text with every change, by which processes see what others changed.
CREATE TABLE made_objects_revision (revision TEXT NOT NULL) STRICT;
INSERT INTO made_objects_revision VALUES ('');
"""

_BAD_RECORDS_BY_FLOW = """
CREATE INDEX bad_records_by_flow ON bad_records (flow, id, taken, dataset);
"""

#: "exps"; the queue's file has another one, so that neither is taken for the other.
APPLICATION_ID: Final = 0x65787073

SCHEMA: Final = Schema(
    application_id=APPLICATION_ID,
    what="a store of dead letters",
    migrations=(
        _LETTERS + _MAPPING_TIMES,
        _IDENTITY,
        _UNSENT,
        _INTERVENTIONS,
        _BAD_RECORDS + _MADE_IDS,
        _MADE_OBJECTS,
        _BAD_RECORDS_BY_FLOW,
        _MADE_OBJECTS_REVISION,
    ),
)
