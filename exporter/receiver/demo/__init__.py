"""``exporter demo``: the real daemon against a demanding receiver, on a single machine, with a summary."""
