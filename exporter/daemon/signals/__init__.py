"""What signals mean before the daemon listens and after all has ended."""
