"""What records make of profiles, and what that tells; the time of a record is its own, and no clock is read."""
