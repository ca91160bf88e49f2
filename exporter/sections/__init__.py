"""The parts that settings are made of, for the settings and for the rooms that the settings are built on."""
