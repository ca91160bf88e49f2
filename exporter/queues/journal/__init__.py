"""The embedded queue: one SQLite file that several processes may have open."""
