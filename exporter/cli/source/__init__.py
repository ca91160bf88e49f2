"""``exporter source``: commands of the way in."""
