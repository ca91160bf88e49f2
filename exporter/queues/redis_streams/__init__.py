"""The queue that is a Redis stream: a consumer group per dataflow, one fixed consumer in each, one reader by lease."""
