"""The projector: reading, deciding and building in one pass, in C (docs/architecture.md#the-projector). Pure."""
