"""Schemas: what records may hold, where their identities stand, and what is wrong with one."""
