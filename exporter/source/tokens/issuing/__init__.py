"""Tokens of our own: who gets one for what, and the key that signs them. Pure but for the making of the key."""
