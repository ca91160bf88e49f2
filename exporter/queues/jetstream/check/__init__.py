"""Whether stream and bucket can be used, and the cost of the settings."""
