"""Servers that help browsers to reach the live view from other networks."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace

_LIFETIME_S = 24 * 3600
"""How long a TURN server lets in who has a password made from the secret."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server.

    With a `secret`, which is shared with the TURN server, each user gets a password of their own. That is what coturn
    calls `use-auth-secret` (draft-uberti-behave-turn-rest).
    """

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    def for_user(self, name: str, now: float) -> "IceServer":
        """Return the server as one user may know it. `now` is in seconds since 1970 UTC."""
        if not self.secret:
            return self
        username = f"{int(now) + _LIFETIME_S}:{name}"
        # The protocol says SHA-1, which is still good for a keyed hash.
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return replace(self, username=username, credential=base64.b64encode(digest).decode(), secret="")
