"""``exporter backfill``: tells a destination of profiles that it wants anew."""
