"""The destinations that run: each in its slot, put together in one place."""
