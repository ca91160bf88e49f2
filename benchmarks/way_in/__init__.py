"""The cost and the speed of the way in: records taken, processed, and both at once."""
