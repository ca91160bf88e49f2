"""The arithmetic of positions: how far a group has settled, and what may be deleted. Pure."""
