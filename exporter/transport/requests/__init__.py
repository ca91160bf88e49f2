"""Puts requests together, and masks what answers repeat of them."""
