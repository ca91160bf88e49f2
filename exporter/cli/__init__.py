"""The ``exporter`` command, a file for each subcommand, a folder for one of several files."""
