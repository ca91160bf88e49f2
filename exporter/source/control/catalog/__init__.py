"""The catalogue: datasets by API, and the batches of bad records."""
