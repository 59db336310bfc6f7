"""Seeing: detectors, zones, and which pictures are looked at."""
