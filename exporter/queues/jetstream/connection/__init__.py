"""One connection to the servers: signing in, requests, and who hears their answers."""
