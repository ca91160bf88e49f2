"""What several subcommands need: the configuration, the queue, the daemon's port, tables, times."""
