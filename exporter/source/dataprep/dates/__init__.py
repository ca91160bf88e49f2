"""Dates: the patterns of Java's formatter, zones, and the forms in which dates come without a pattern."""
