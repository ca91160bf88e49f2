"""Logs, metrics and status of the exporter."""
