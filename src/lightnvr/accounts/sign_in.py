"""Logging in, in one step or two."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lightnvr.accounts.admission import Proof, ProofKind, Standing
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.model import TooManyAttempts, User
from lightnvr.accounts.presence import Presence
from lightnvr.accounts.second_factor import NotSetUp, SecondFactor, WrongCode
from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.tokens import new_token, token_hash

PENDING_S = 300
_TRIES = 5
_MOST_PENDING = 1024
_REFUSAL_S = 0.5
"""Longer than verifying a password and a code takes, in seconds."""


class PendingUnknown(Exception):
    """The login was not begun, or too long ago, or too many codes were wrong."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody logs in with. Empty is absent; `device` is the token of a trusted device."""

    username: str
    password: str
    address: str
    code: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who may have a session, while `password_hash` is what is stored of their password.

    `by_code`: an authenticator's code was part of it.
    """

    user: User
    password_hash: str
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password was right, and a code is needed. The token is good for nothing but giving it."""

    token: str


@dataclass(slots=True)
class _Pending:
    proof: Proof
    password_hash: str
    expires: float
    tries: int = 0


class SignIn:
    """Decides who gets a session. `now` gives seconds since 1970 UTC.

    Logins that wait for a code are kept in memory; a restart ends them.
    """

    def __init__(
        self,
        store: AccountStore,
        logins: Logins,
        factor: SecondFactor,
        presence: Presence,
        standing: Standing,
        now: Callable[[], float],
        *,
        code_with_password: bool,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """With `code_with_password` the code has to come with the password: which of them is wrong is not told."""
        self._store = store
        self._logins = logins
        self._factor = factor
        self._presence = presence
        self._standing = standing
        self._now = now
        self.code_with_password = code_with_password
        self._monotonic = monotonic
        self._sleep = sleep
        self._pending: OrderedDict[str, _Pending] = OrderedDict()

    async def begin(self, attempt: Attempt) -> SignedIn | CodeNeeded | None:
        """Check a password, and what came with it. None is a refusal. Raises TooManyAttempts.

        With `code_with_password` all refusals take as long: with a right password more has to be looked up, and how
        long that takes would tell it from a wrong one.
        """
        began = self._monotonic()
        outcome = await self._begin(attempt)
        if outcome is None and self.code_with_password:
            await self._sleep(max(0.0, began + _REFUSAL_S - self._monotonic()))
        return outcome

    async def _begin(self, attempt: Attempt) -> SignedIn | CodeNeeded | None:
        found = await self._logins.verify(attempt.username, attempt.password, attempt.address)
        if found is None:
            return None
        user, password_hash = found
        if not user.totp_enabled:
            return SignedIn(user, password_hash)
        if attempt.device and await self._presence.trusts(user.id, attempt.device):
            self._logins.completed(user, attempt.address)
            return SignedIn(user, password_hash)
        if attempt.code:
            if not await self._accepts(user.id, attempt.code):
                return None
            self._logins.completed(user, attempt.address)
            return SignedIn(user, password_hash, by_code=True)
        if self.code_with_password:
            return None
        token = new_token()
        proof = await self._standing.prove(ProofKind.PASSWORD, user)
        self._pending[token_hash(token)] = _Pending(proof, password_hash, self._now() + PENDING_S)
        while len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)
        return CodeNeeded(token)

    async def _accepts(self, user_id: int, code: str) -> bool:
        try:
            return await self._factor.accepts(user_id, code)
        except TooManyAttempts:
            # Only who knows the password can have given that many codes from several addresses.
            if self.code_with_password:
                return False
            raise

    async def waiting(self, token: str) -> User | None:
        """Return who began this login, while it can be finished."""
        pending = self._pending.get(token_hash(token))
        if pending is None or self._now() >= pending.expires:
            return None
        return await self._store.by_id(pending.proof.user_id)

    async def finish(self, token: str, code: str, address: str) -> SignedIn:
        """Give the code. Raises PendingUnknown, WrongCode, NotSetUp when none is needed any more, TooManyAttempts."""
        key = token_hash(token)
        pending = self._pending.get(key)
        if pending is None or self._now() >= pending.expires or await self._standing.lapsed([pending.proof]):
            self._pending.pop(key, None)
            raise PendingUnknown
        user = await self._store.by_id(pending.proof.user_id)
        if user is None or not user.may_come_from(address):
            raise PendingUnknown
        if not user.totp_enabled:
            self._pending.pop(key, None)
            raise NotSetUp
        if pending.tries >= _TRIES:
            # Codes that came at once: those before this one used the tries up while this one waited.
            raise PendingUnknown
        pending.tries += 1
        if pending.tries >= _TRIES:
            self._pending.pop(key, None)
        if not await self._factor.accepts(user.id, code):
            raise WrongCode
        self._pending.pop(key, None)
        self._logins.completed(user, address)
        return SignedIn(user, pending.password_hash, by_code=True)
