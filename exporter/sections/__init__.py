"""What settings are made of, and what rooms below the settings need of them."""
