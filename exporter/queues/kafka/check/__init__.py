"""Whether the brokers can be used, why not, and what the topic's settings cost."""
