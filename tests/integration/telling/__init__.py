"""Telling others of events, with a real broker."""
