"""Adds, changes and removes accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from lightnvr.accounts.first_account import FIRST_USERNAME
from lightnvr.accounts.model import (
    InvalidAccount,
    PasswordLocked,
    Role,
    User,
    UserNotFound,
    check_actions,
    check_password,
    check_tags,
    check_username,
)
from lightnvr.accounts.networks import normalised
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore, NewUser
from lightnvr.accounts.tokens import masked_prefix, new_token, token_hash

_BIGGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of an account: None stays as it is. What is allowed is as it was typed."""

    username: str | None = None
    email: str | None = None
    password: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    allowed_tags: str | None = None
    allowed_login_cidrs: str | None = None
    allowed_actions: str | None = None


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

    async def user(self, user_id: int) -> User:
        """Return one account. Raises UserNotFound."""
        user = await self._store.by_id(user_id) if 0 < user_id <= _BIGGEST_ID else None
        if user is None:
            raise UserNotFound(user_id)
        return user

    async def named(self, username: str) -> User:
        """Return the account with this name. Raises UserNotFound."""
        found = None if "\x00" in username else await self._store.by_name(username)
        if found is None:
            raise UserNotFound(username)
        return found[0]

    async def add(
        self,
        username: str,
        password: str,
        role: Role,
        *,
        email: str = "",
        is_active: bool = True,
        allowed_tags: str = "",
        allowed_login_cidrs: str = "",
        allowed_actions: str = "",
    ) -> User:
        """Add an account and return it. Raises InvalidAccount, DuplicateUsername."""
        check_username(username)
        tags, networks = check_tags(allowed_tags), _networks(allowed_login_cidrs)
        actions = check_actions(allowed_actions)
        stored = await self._passwords.hash(check_password(password))
        new = NewUser(username, stored, role, email, int(self._now()), is_active, tags, networks, actions)
        user_id = await self._store.add(new)
        return await self.user(user_id or 0)

    async def change(self, user_id: int, change: UserChange) -> User:
        """Change an account, wholly or not at all, and return it. A new password and deactivation end its sessions.

        Raises UserNotFound, InvalidAccount, DuplicateUsername, LastAdministrator, PasswordLocked.
        """
        before = await self.user(user_id)
        values: dict[str, object] = {}
        if change.username is not None:
            values["username"] = check_username(change.username)
        if change.allowed_tags is not None:
            values["allowed_tags"] = check_tags(change.allowed_tags)
        if change.allowed_login_cidrs is not None:
            values["allowed_login_cidrs"] = _networks(change.allowed_login_cidrs)
        if change.allowed_actions is not None:
            values["allowed_actions"] = check_actions(change.allowed_actions)
        if change.email is not None:
            values["email"] = change.email
        if change.role is not None:
            values["role"] = int(change.role)
        if change.is_active is not None:
            values["is_active"] = change.is_active
        if change.password is not None:
            check_password(change.password)
            if before.password_change_locked:
                raise PasswordLocked(user_id)
            values["password_hash"] = await self._passwords.hash(change.password)
        ends = change.password is not None or change.is_active is False
        user = await self._store.change_by_id(user_id, {**values, "updated_at": int(self._now())}, end_sessions=ends)
        if change.password is not None:
            await self._forget_initial_password(before.username)
        return user

    async def change_password(self, user_id: int, password: str) -> User:
        """Change a password and end all sessions. Raises UserNotFound, InvalidAccount, PasswordLocked."""
        return await self.change(user_id, UserChange(password=password))

    async def lock_password(self, user_id: int, *, locked: bool) -> User:
        """Forbid changes of a password, or allow them again. Raises UserNotFound."""
        values = {"password_change_locked": locked, "updated_at": int(self._now())}
        return await self._store.change_by_id(user_id, values, end_sessions=False)

    async def set_password(self, username: str, password: str) -> None:
        """Change a password, locked or not, and end the user's sessions. Raises InvalidAccount, UserNotFound."""
        check_password(password)
        user = await self.named(username)
        values = {"password_hash": await self._passwords.hash(password), "updated_at": int(self._now())}
        await self._store.change_by_id(user.id, values, end_sessions=True)
        await self._forget_initial_password(username)

    async def renew_api_key(self, username: str) -> str:
        """The same as `renew_key` by name. Raises UserNotFound."""
        return await self.renew_key((await self.named(username)).id)

    async def remove(self, username: str) -> None:
        """The same as `delete` by name. Raises UserNotFound, LastAdministrator."""
        await self.delete((await self.named(username)).id)

    async def renew_key(self, user_id: int) -> str:
        """Give a user a new API key, which ends the old one, and return it. It cannot be shown again.

        Raises UserNotFound.
        """
        key = new_token()
        values = {"api_key_hash": token_hash(key), "api_key_prefix": masked_prefix(key)}
        await self._store.change_by_id(user_id, {**values, "updated_at": int(self._now())}, end_sessions=False)
        return key

    async def delete(self, user_id: int) -> User:
        """Remove an account, end its sessions, and return what it was. Raises UserNotFound, LastAdministrator."""
        user = await self.user(user_id)
        await self._store.remove(user_id)
        await self._forget_initial_password(user.username)
        return user

    async def _forget_initial_password(self, username: str) -> None:
        if username == FIRST_USERNAME:
            await anyio.to_thread.run_sync(lambda: self._initial_password_file.unlink(missing_ok=True))


def _networks(text: str) -> str:
    try:
        return normalised(text)
    except ValueError as error:
        raise InvalidAccount(
            "allowed_login_cidrs must be IPv4 or IPv6 networks or single addresses, separated by commas, such as "
            f"192.168.1.0/24: {error}."
        ) from None
