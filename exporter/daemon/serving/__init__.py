"""The process behind ``exporter serve``."""
