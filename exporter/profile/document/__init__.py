"""Builds the document. Pure."""
