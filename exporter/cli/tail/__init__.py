"""``exporter tail``: attempts as they happen."""
