"""Whether the brokers can be used, why not, and the cost of the topic's settings."""
