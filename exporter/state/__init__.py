"""The state that outlives the daemon beside the queue: dead letters and mapping times."""
