"""TLS contexts, and whose fault a handshake that failed is."""
