"""``exporter test``: events, and what they must come to for each destination."""
