"""A Redis server as the queue and the state talk to it: its URL and secrets, commands, scripts, failures in words."""
