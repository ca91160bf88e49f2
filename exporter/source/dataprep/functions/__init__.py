"""The functions of the expression language: one table, and a file for each category of it."""
