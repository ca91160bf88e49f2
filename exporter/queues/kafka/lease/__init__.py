"""The reader of each partition: membership in the consumer group, and the assignment of partitions."""
