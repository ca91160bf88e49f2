"""The ``exporter`` command: a file for each subcommand, a folder for a subcommand of several files."""
