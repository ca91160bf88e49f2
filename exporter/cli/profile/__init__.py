"""``exporter profile``: look at profiles, delete them, carry them elsewhere."""
