"""Whether stream and bucket can be used, and what their settings cost."""
