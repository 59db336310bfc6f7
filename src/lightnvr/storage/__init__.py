"""Keeping the disk from filling up: what is kept how long, and what goes first when space runs out."""
