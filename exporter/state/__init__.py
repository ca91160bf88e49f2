"""What the exporter itself remembers: dead letters and mapping times."""
