"""``exporter preview``: shows requests without sending any."""
