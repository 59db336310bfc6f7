"""Live view as HTTP Live Streaming (RFC 8216, and its second edition for low latency)."""
