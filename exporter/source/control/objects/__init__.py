"""The objects that the control plane shows and changes: those of the configuration, and those that were made."""
