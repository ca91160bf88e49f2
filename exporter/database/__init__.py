"""An SQLite file on a thread: group commit, durable when a write returns."""

from exporter.database.database import Database
from exporter.database.failures import DatabaseUnavailable, FileLost
from exporter.database.opening import DatabaseRefused, Schema
from exporter.database.privacy import kept_private

__all__ = ["Database", "DatabaseRefused", "DatabaseUnavailable", "FileLost", "Schema", "kept_private"]
