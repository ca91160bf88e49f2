"""``exporter run``: the daemon, and how its destinations are shared among processes."""
