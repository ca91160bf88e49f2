"""Kafka: a consumer group per destination, partitions as lanes, offsets as positions; the way past one machine."""
