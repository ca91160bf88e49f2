"""Who reads which partition: membership in the consumer group, and how partitions are assigned."""
