"""Hashes and verifies passwords with argon2id (RFC 9106), outside the event loop."""

import os
import secrets

import anyio.to_thread
from anyio import CapacityLimiter
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from lightnvr.accounts.old_hashes import is_old, matches

_MEMORY_KIB = 19_456
_PASSES = 2
_LANES = 1


class Passwords:
    """Argon2id with 19 MiB and two passes, the parameters OWASP gives for machines with little memory.

    Half of the processors compute hashes at most: a flood of logins costs neither all of them nor much memory.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))
        self._limiter = CapacityLimiter(max(1, (os.cpu_count() or 1) // 2))
        self._dummy = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Return the text to store for this password."""
        return await anyio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one that `stored` was made from.

        Takes equally long when `stored` is None, so that unknown names cannot be told by the clock.
        """
        against = self._dummy if stored is None or is_old(stored) else stored
        right = await anyio.to_thread.run_sync(self._hasher.verify, password, against, limiter=self._limiter)
        if stored is not None and is_old(stored):
            # Beside the dummy: an account that was taken over must not be told by the clock either.
            return await anyio.to_thread.run_sync(matches, password, stored, limiter=self._limiter)
        return right and stored is not None

    async def renewed(self, password: str, stored: str) -> str | None:
        """Return what to store instead of a hash of the original that was just verified; None for one of ours."""
        return await self.hash(password) if is_old(stored) else None
