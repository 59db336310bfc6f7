"""Adds, changes and removes accounts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import anyio.to_thread

from lightnvr.accounts.first_account import FIRST_USERNAME
from lightnvr.accounts.model import Role, User, UserNotFound, check_password, check_username
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore, NewUser
from lightnvr.accounts.tokens import masked_prefix, new_token, token_hash


class Administration:
    """What an administrator can do with accounts. `now` gives seconds since 1970 UTC.

    `initial_password_file` is removed when the password of admin is changed: what it says is then no longer true.
    """

    def __init__(
        self,
        store: AccountStore,
        passwords: Passwords,
        now: Callable[[], float],
        initial_password_file: Path,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now
        self._initial_password_file = initial_password_file

    async def users(self) -> tuple[User, ...]:
        """Return all accounts, by name."""
        return await self._store.every()

    async def add(self, username: str, password: str, role: Role, *, email: str = "") -> None:
        """Add an account. Raises InvalidAccount, DuplicateUsername."""
        check_username(username)
        stored = await self._passwords.hash(check_password(password))
        await self._store.add(NewUser(username, stored, role, email, int(self._now())))

    async def set_password(self, username: str, password: str) -> None:
        """Change a password and end the user's sessions. Raises InvalidAccount, UserNotFound."""
        stored = await self._passwords.hash(check_password(password))
        await self._change(username, {"password_hash": stored}, end_sessions=True)
        await self._forget_initial_password(username)

    async def renew_api_key(self, username: str) -> str:
        """Give a user a new API key, which ends the old one, and return it. It cannot be shown again.

        Raises UserNotFound.
        """
        key = new_token()
        values = {"api_key_hash": token_hash(key), "api_key_prefix": masked_prefix(key)}
        await self._change(username, values, end_sessions=False)
        return key

    async def remove(self, username: str) -> None:
        """Remove an account and end its sessions. Raises UserNotFound, LastAdministrator."""
        await self._store.remove(username)
        await self._forget_initial_password(username)

    async def _forget_initial_password(self, username: str) -> None:
        if username == FIRST_USERNAME:
            await anyio.to_thread.run_sync(lambda: self._initial_password_file.unlink(missing_ok=True))

    async def _change(self, username: str, values: Mapping[str, object], *, end_sessions: bool) -> None:
        if "\x00" in username:
            raise UserNotFound(username)
        await self._store.change(username, {**values, "updated_at": int(self._now())}, end_sessions=end_sessions)
