"""The state on a Redis server, which exporters on several machines share."""
