"""One SQLite file on one thread: group commit, durable when a write returns."""

from exporter.database.failures import DatabaseUnavailable, FileLost
from exporter.database.opening import DatabaseRefused, Schema
from exporter.database.privacy import kept_private
from exporter.database.thread import Database

__all__ = ["Database", "DatabaseRefused", "DatabaseUnavailable", "FileLost", "Schema", "kept_private"]
