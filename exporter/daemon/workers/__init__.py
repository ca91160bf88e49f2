"""Several processes that share the destinations, and their parent."""
