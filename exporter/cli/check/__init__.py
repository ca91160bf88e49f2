"""``exporter check``: prints the plan, and tries to reach every part."""
