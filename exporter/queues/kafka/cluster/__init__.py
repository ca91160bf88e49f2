"""Shared by all Kafka clients of a process: connections, tokens, questions to the cluster about topic and groups."""
