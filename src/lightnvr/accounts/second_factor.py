"""The second factor: an authenticator's code after the password."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lightnvr.accounts.factor_store import FactorStore
from lightnvr.accounts.limiter import LoginLimiter
from lightnvr.accounts.tokens import token_hash
from lightnvr.accounts.totp import canonical, matching_step, new_recovery_codes, new_secret, provisioning_uri

_DIGITS = 6


class NotSetUp(Exception):
    """There is no secret that a code could be of."""


class WrongCode(Exception):
    """The code is not of this authenticator and this time, or was used already."""


class Seal(Protocol):
    """Encrypts short texts for the database."""

    def seal(self, text: str) -> str:
        """Return what to store."""
        ...

    def reveal(self, sealed: str) -> str:
        """Return what was sealed, an empty text when that cannot be read any more."""
        ...


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What an authenticator needs to know. Shown once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class FactorStatus:
    """`enabled`: a code is asked for at login. `configured`: a secret is there, in force or not yet."""

    enabled: bool
    configured: bool
    recovery_codes: int


class SecondFactor:
    """Sets up, verifies and removes authenticators. `now` gives seconds since 1970 UTC.

    A new secret is in force only after a code of it was given. Each code is accepted once.
    """

    def __init__(self, store: FactorStore, seal: Seal, limiter: LoginLimiter, now: Callable[[], float]) -> None:
        self._store = store
        self._seal = seal
        self._limiter = limiter
        self._now = now

    async def status(self, user_id: int) -> FactorStatus:
        """Return how it is. Raises UserNotFound."""
        stored = await self._store.get(user_id)
        configured = bool(stored.secret_sealed or stored.pending_sealed)
        return FactorStatus(stored.is_enabled, configured, await self._store.recovery_codes_left(user_id))

    async def set_up(self, user_id: int) -> NewFactor:
        """Make a new secret, which is not in force yet. Raises UserNotFound."""
        stored = await self._store.get(user_id)
        secret = new_secret()
        await self._store.put_pending(user_id, self._seal.seal(secret))
        return NewFactor(secret, provisioning_uri(secret, stored.username))

    async def enable(self, user_id: int, code: str, *, kept_session: str) -> tuple[str, ...]:
        """Put the new secret in force and return recovery codes; ends all sessions but the one with this token hash.

        Raises UserNotFound, NotSetUp, WrongCode, TooManyAttempts.
        """
        stored = await self._store.get(user_id)
        secret = self._seal.reveal(stored.pending_sealed)
        if not secret:
            raise NotSetUp
        self._charge(user_id)
        step = matching_step(secret, code, self._now())
        if step is None:
            raise WrongCode
        self._succeeded(user_id)
        codes = new_recovery_codes()
        await self._store.enable(user_id, stored.pending_sealed, step, map(token_hash, codes), kept_session)
        return codes

    async def disable(self, user_id: int, *, kept_session: str) -> None:
        """Ask for no code any more, and forget everything. Raises UserNotFound."""
        await self._store.get(user_id)
        await self._store.disable(user_id, kept_session)

    async def renew_recovery_codes(self, user_id: int) -> tuple[str, ...]:
        """Return new recovery codes; those before are void. Raises UserNotFound, NotSetUp."""
        if not (await self._store.get(user_id)).is_enabled:
            raise NotSetUp
        codes = new_recovery_codes()
        await self._store.replace_recovery_codes(user_id, map(token_hash, codes))
        return codes

    async def accepts(self, user_id: int, code: str) -> bool:
        """Whether a code, of the authenticator or for recovery, is right. It is used up then.

        Raises UserNotFound, and TooManyAttempts after a few wrong ones, from wherever they came.
        """
        stored = await self._store.get(user_id)
        if not stored.is_enabled:
            return False
        self._charge(user_id)
        if not await self._is_right(user_id, stored.secret_sealed, code.strip()):
            return False
        self._succeeded(user_id)
        return True

    async def _is_right(self, user_id: int, sealed: str, code: str) -> bool:
        if len(code) != _DIGITS:
            return await self._store.use_recovery_code(user_id, token_hash(canonical(code)))
        secret = self._seal.reveal(sealed)
        step = matching_step(secret, code, self._now()) if secret else None
        return step is not None and await self._store.use_step(user_id, step)

    def forget_failures(self, user_id: int) -> bool:
        """Let a user try again at once. Returns whether there were failures."""
        return self._limiter.forget(_account(user_id))

    def _charge(self, user_id: int) -> None:
        # Whoever guesses codes knows the password already, so addresses do not count apart.
        self._limiter.charge(_account(user_id), _account(user_id))

    def _succeeded(self, user_id: int) -> None:
        self._limiter.succeeded(_account(user_id), _account(user_id))


def _account(user_id: int) -> str:
    # Not the name, which users change themselves.
    return f"second factor of user {user_id}"
