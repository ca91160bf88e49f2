"""What all of a process's Kafka clients share: connections, tokens, what the cluster says of topic and groups."""
