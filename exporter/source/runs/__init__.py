"""Runs: what became of the records of a flow in an hour, read from what the profile store counts."""
