"""The Flow Service: connections, what hangs on them, and the flows between, by API."""
