"""The one look of all commands: tables, trees, progress and colour, and what is left of them on a pipe."""
