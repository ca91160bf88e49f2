"""The Redis server of queue or state: URL and secrets, commands, scripts, failures in words."""
