"""``exporter init``, and the configurations that it writes: the same files as in ``config``."""
