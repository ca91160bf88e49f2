"""The long-running process: opens what dataflows share, keeps them running, reloads, and stops."""
