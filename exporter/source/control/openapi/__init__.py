"""The document that describes the control plane, made from its table of routes."""
