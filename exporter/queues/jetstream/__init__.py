"""NATS JetStream as a queue: a stream read as a log, and where each group stands in a key-value bucket."""
