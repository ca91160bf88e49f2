"""The long-running process: opens the shared parts, runs all dataflows, reloads, and stops."""
