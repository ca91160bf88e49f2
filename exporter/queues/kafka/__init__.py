"""Kafka: a consumer group per destination, partitions as lanes, offsets as positions; for several machines."""
