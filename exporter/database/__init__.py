"""An SQLite file on a thread: group commit, durable when a write returns."""

from exporter.database.database import Database
from exporter.database.failures import DatabaseUnavailable, FileLost, FileReplaced
from exporter.database.opening import DatabaseRefused, Schema, orphaned_log
from exporter.database.privacy import kept_private
from exporter.database.same_file import FirstSeen
from exporter.database.snapshot import snapshot

__all__ = [
    "Database",
    "DatabaseRefused",
    "DatabaseUnavailable",
    "FileLost",
    "FileReplaced",
    "FirstSeen",
    "Schema",
    "kept_private",
    "orphaned_log",
    "snapshot",
]
