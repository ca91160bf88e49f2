"""``exporter deadletters``: shows, replays and deletes dead letters."""
