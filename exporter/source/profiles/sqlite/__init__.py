"""The profile store in one SQLite file."""
