"""Fragmented MP4 while it is written, ordinary MP4 once it is closed (ISO/IEC 14496-12)."""
