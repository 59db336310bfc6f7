"""Hashes of passwords as the original LightNVR stores them: PBKDF2-HMAC-SHA256 (RFC 8018) with few rounds.

They are accepted until their owner logs in, and then replaced. Stored as
`pbkdf2-sha256$rounds$salt$hash`, in hexadecimal.
"""

import hashlib
import hmac
import re

_ROUNDS = 10_000
_STORED = re.compile(r"pbkdf2-sha256\$(\d{1,8})\$([0-9a-f]{2,128})\$([0-9a-f]{64})")


class UnreadableHash(ValueError):
    """A hash is not of the form that the original stores."""


def taken_over(salt: str, digest: str) -> str:
    """Return what to store for a hash of the original; both parts are hexadecimal. Raises UnreadableHash."""
    stored = f"pbkdf2-sha256${_ROUNDS}${salt.lower()}${digest.lower()}"
    if not is_old(stored) or len(salt) % 2:
        raise UnreadableHash
    return stored


def is_old(stored: str) -> bool:
    """Whether this is such a hash."""
    return _STORED.fullmatch(stored) is not None


def matches(password: str, stored: str) -> bool:
    """Whether the password is the one that such a hash was made from."""
    found = _STORED.fullmatch(stored)
    if found is None:
        return False
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(found[2]), int(found[1]))
    return hmac.compare_digest(made.hex(), found[3])
