"""The embedded queue: a SQLite file that several processes may have open."""
