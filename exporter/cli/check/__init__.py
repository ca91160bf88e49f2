"""``exporter check``: what would run, and whether all of it can be reached."""
