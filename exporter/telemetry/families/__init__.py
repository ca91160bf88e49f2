"""What is told of every metric: tables, from which ``/metrics`` and docs/metrics.md come."""
