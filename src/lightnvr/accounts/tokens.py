"""Random tokens: session cookies and API keys. Only their hash is ever stored."""

import hashlib
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 32
_SHOWN = 6


def new_token() -> str:
    """Return 32 random characters out of a-z A-Z 0-9, which is 190 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token as hex. A random token of this length needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def masked_prefix(token: str) -> str:
    """Return what can be shown of an API key later, to tell it from others."""
    return token[:_SHOWN] + "*" * (_LENGTH - _SHOWN)
