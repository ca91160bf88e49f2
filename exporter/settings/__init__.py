"""What the operator may configure, where it comes from, and what is wrong with it."""
