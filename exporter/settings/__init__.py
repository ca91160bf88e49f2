"""The configuration: the types of all sections, and notes for an operator."""
