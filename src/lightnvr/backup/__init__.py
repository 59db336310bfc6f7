"""Backups: database, settings and keys in one file, made while recording goes on, and put back from it."""
