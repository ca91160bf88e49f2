"""How a request reaches an endpoint: the seam, the two transports behind it, names and TLS."""
