"""Remembers passwords that were right, so that Basic authentication does not hash at every request; and wrong keys."""

import hashlib
import hmac
import secrets
from collections import OrderedDict

_REMEMBERED = 1024


class VerifiedPasswords:
    """A bounded memory of (account, stored hash, password) that matched.

    Holds keyed digests only, never passwords. The stored hash is part of the digest, so a changed password ends it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def digest(self, user_id: int, stored_hash: str, password: str) -> bytes:
        """Return what `knows` and `remember` take."""
        message = f"{user_id}\0{stored_hash}\0{password}".encode()
        return hmac.digest(self._key, message, hashlib.sha256)

    def knows(self, digest: bytes) -> bool:
        """Whether this combination was verified before."""
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def remember(self, digest: bytes) -> None:
        """Keep that this combination was verified."""
        self._digests[digest] = None
        while len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)
