"""Reads an event. Pure."""
