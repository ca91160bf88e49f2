"""The control plane: what clients read and change by API."""
