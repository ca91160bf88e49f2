"""The sections of the configuration that the way in reads."""
