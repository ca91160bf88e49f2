"""The data plane: requests with records, checked, kept durably, and then answered."""
