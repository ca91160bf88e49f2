"""``exporter demo``: the real daemon against a demanding receiver, on this machine, with a summary."""
