"""``exporter status`` and ``exporter top``: what a running daemon says of its dataflows, once or live."""
