"""Reads answers of token servers. Pure."""
