"""Data Prep: mapping sets and their expression language, compiled once for each mapping set."""
