"""Backfills: profiles that are told to a destination although nothing changed, slower than live traffic."""
