"""The state in a SQLite file."""
