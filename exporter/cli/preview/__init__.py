"""``exporter preview``: what would be sent, without sending it."""
