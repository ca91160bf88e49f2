"""exporter: a self-hosted streaming destination for customer profiles."""

__version__ = "0.1.0"
