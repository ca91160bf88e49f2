"""Tokens of those who send: static ones, and those of outside issuers."""
