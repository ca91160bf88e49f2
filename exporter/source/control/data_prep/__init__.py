"""Data Prep by API: mapping sets are validated, tried and kept, and the expression language is told."""
