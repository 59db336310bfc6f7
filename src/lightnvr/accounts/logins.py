"""Checks a user name and a password, slowly enough for those who guess."""

import logging
from collections.abc import Callable

import anyio
from sqlalchemy.exc import SQLAlchemyError

from lightnvr.accounts.limiter import LoginLimiter
from lightnvr.accounts.model import User, UserNotFound, is_plausible
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.verified import VerifiedPasswords

_A_KEY = "\0API key"
"""Stands for the account of keys that are nobody's; no user has this name."""

log = logging.getLogger(__name__)


class Logins:
    """Decides whether a name and a password belong together. `now` gives seconds since 1970 UTC."""

    def __init__(
        self, store: AccountStore, passwords: Passwords, limiter: LoginLimiter, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._limiter = limiter
        self._verified = VerifiedPasswords()
        self._wrong_keys = VerifiedPasswords()
        self._under_way: dict[bytes, anyio.Event] = {}
        self._now = now

    async def check(self, username: str, password: str, address: str) -> User | None:
        """Return the user, or None when name or password are wrong, or the account may not be used from there.

        Raises TooManyAttempts.
        """
        found = await self.verify(username, password, address)
        return None if found is None else found[0]

    async def verify(self, username: str, password: str, address: str) -> tuple[User, str] | None:
        """The same with what is stored of the password, for a session that must not be opened after it was changed."""
        if not is_plausible(username, password):
            self._limiter.charge(address, "")
            return None
        # Before it is looked up: whoever guesses must not keep the machine busy.
        self._limiter.refuse(address, username)
        found = await self._store.by_name(username)
        return await self._verify(found, username, password, address)

    async def check_remembered(self, username: str, password: str, address: str) -> User | None:
        """The same for a client that sends the password with every request: hashes only the first time.

        Requests that come at once with the same password wait for one verification instead of each counting as an
        attempt.
        """
        found = await self._store.by_name(username) if is_plausible(username, password) else None
        if found is None or found[0].totp_enabled:
            # With a second factor this is not enough, and by the clock it must look like a wrong password each time.
            return await self.check(username, password, address)
        user, stored_hash = found
        digest = self._verified.digest(user.id, stored_hash, password)
        while not self._verified.knows(digest):
            under_way = self._under_way.get(digest)
            if under_way is None:
                return await self._verify_for_all(found, password, address, digest)
            await under_way.wait()
        return user if user.is_active and user.may_come_from(address) else None

    def is_new_wrong_key(self, key: str, address: str) -> bool:
        """Count an API key that is nobody's. Returns False, and counts nothing, for one that was seen before.

        A program that goes on with an old key is not guessing, and must not make its whole household wait. A right key
        is never asked about here. Raises TooManyAttempts.
        """
        digest = self._wrong_keys.digest(0, "", key)
        if self._wrong_keys.knows(digest):
            return False
        self._limiter.charge(address, _A_KEY)
        self._wrong_keys.remember(digest)
        return True

    async def confirm(self, user_id: int, password: str, address: str) -> bool:
        """Whether this is the password of somebody who is logged in, for what needs more than that.

        Counts like a login. Raises TooManyAttempts.
        """
        user = await self._store.by_id(user_id)
        if user is None or not is_plausible(user.username, password):
            return False
        found = await self._store.by_name(user.username)
        if await self._verify(found, user.username, password, address) is None:
            return False
        self.completed(user, address)
        return True

    def completed(self, user: User, address: str) -> None:
        """A user who has a second factor gave that, too: forget the attempts."""
        self._limiter.succeeded(address, user.username)

    async def known(self, username: str) -> User | None:
        """Return the account with this name, whether it may log in or not."""
        found = await self._store.by_name(username) if is_plausible(username, "") else None
        return None if found is None else found[0]

    def forget_failures(self, username: str) -> bool:
        """Let a user try again at once, from everywhere. Returns whether there were failures."""
        return self._limiter.forget(username)

    async def _verify_for_all(self, found: tuple[User, str], password: str, address: str, digest: bytes) -> User | None:
        done = self._under_way[digest] = anyio.Event()
        try:
            verified = await self._verify(found, found[0].username, password, address)
            if verified is None:
                return None
            self._verified.remember(digest)
            return verified[0]
        finally:
            del self._under_way[digest]
            done.set()

    async def _verify(
        self, found: tuple[User, str] | None, username: str, password: str, address: str
    ) -> tuple[User, str] | None:
        self._limiter.charge(address, username)
        user, stored_hash = found if found is not None else (None, "")
        right = await self._passwords.verify(password, stored_hash or None)
        if not right or user is None or not user.is_active or not user.may_come_from(address):
            return None
        if not user.totp_enabled:
            # With a second factor the login is not over: that the password was right must not show.
            self._limiter.succeeded(address, username)
        if not await self._is_still(user, stored_hash):
            return None
        try:
            if (renewed := await self._passwords.renewed(password, stored_hash)) is not None:
                await self._store.renew_hash(user.id, stored_hash, renewed)
                stored_hash = renewed
            await self._store.change(username, {"last_login": int(self._now())}, end_sessions=False)
        except UserNotFound:  # deleted while the password was being verified
            return None
        except SQLAlchemyError as error:
            # A full disk must not keep the owner from making room on it.
            log.warning("it could not be stored when %s logged in: %s", username, error)
        return user, stored_hash

    async def _is_still(self, user: User, stored_hash: str) -> bool:
        """Whether the password is the one that was verified, for hashing takes its time and others may wait for theirs.

        Otherwise it could open a session after all sessions had been ended because it was changed.
        """
        present = await self._store.by_name(user.username)
        return present is not None and present[0].id == user.id and present[1] == stored_hash
