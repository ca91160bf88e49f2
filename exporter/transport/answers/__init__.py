"""Reads answers: heads, bodies, what is broken and what is left over."""
