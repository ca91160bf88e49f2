"""The arithmetic of positions: how far a group has settled, and how much may be deleted. Pure."""
