"""The catalogue by API."""
