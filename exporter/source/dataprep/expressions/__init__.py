"""The expression language: its grammar, operators and methods, and their compilation to closures."""
