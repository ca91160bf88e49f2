"""The schema registry: schemas and descriptors by API, and the classes and field groups that ship with the package."""
