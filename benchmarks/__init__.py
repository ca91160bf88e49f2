"""The cost and the speed of the exporter, measured on the machine at hand."""
