"""``exporter deadletters``: look at dead letters, replay them, delete them."""
