"""Clips that prove where they come from: a signed list of what is in them, and the way to check it anywhere."""
