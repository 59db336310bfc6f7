"""How a receiver knows that a message is ours and new."""

import hmac
from hashlib import sha256


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header X-LightNVR-Signature: HMAC-SHA256 over `<timestamp>.<body>`, in hex.

    `timestamp` is that of the header X-LightNVR-Timestamp, seconds since 1970 UTC.
    """
    return "sha256=" + hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, sha256).hex()
