"""What is wrong with a value, by a schema: a check that says whether, and a walk that says what."""
