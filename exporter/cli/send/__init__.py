"""``exporter send``: puts events on the queue."""
