"""One SQLite file on one thread: group commit, durable when a write returns."""

from exporter.database.database import Database
from exporter.database.failures import DatabaseUnavailable
from exporter.database.opening import DatabaseRefused, Schema

__all__ = ["Database", "DatabaseRefused", "DatabaseUnavailable", "Schema"]
