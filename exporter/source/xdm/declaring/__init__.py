"""How schemas are declared: JSON Schema, fields, or field groups that ship with the package."""
