"""The ``exporter`` command, one file per subcommand."""
