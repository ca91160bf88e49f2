"""The connection to the servers: signing in, requests, and the listeners for answers."""
