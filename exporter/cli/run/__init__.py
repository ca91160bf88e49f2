"""``exporter run``: the daemon, and how destinations are shared among processes."""
