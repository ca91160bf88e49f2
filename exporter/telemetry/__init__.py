"""What the exporter tells of itself: logs, metrics, status."""
