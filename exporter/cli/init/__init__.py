"""``exporter init``, and the configuration that it writes: ``exporter.yaml``, the same as ``config/exporter.yaml``."""
