"""The queue on a Redis stream: a consumer group for each dataflow, with a single fixed consumer and a lease."""
