"""The exporter beside the best peer that was found: Confluent's Parallel Consumer on Vert.x."""
