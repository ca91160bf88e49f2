"""What the exporter costs and how fast it is, measured on the machine that runs this."""
