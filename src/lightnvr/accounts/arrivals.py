"""Accounts that come from another installation, with the secrets they had there."""

import base64
import binascii
from dataclasses import dataclass, field

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.accounts.model import InvalidAccount, Role, check_tags, check_username
from lightnvr.accounts.networks import normalised
from lightnvr.accounts.second_factor import Seal
from lightnvr.accounts.tokens import masked_prefix, token_hash
from lightnvr.db.tables import users

_LEAST_SECRET_BYTES = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """One account. Times are seconds since 1970 UTC, 0 is never.

    `password_hash` is what is stored. `totp_secret` is in Base32, empty without an authenticator; it is in force when
    `totp_enabled`. `api_key` is the key itself, empty without one.
    """

    username: str
    password_hash: str = field(repr=False)
    role: Role
    email: str
    is_active: bool
    created_at: int
    updated_at: int
    last_login: int
    password_change_locked: bool
    allowed_tags: str
    allowed_login_cidrs: str
    totp_secret: str = field(repr=False)
    totp_enabled: bool
    api_key: str = field(repr=False)

    def check(self) -> None:
        """Raise InvalidAccount when this cannot be an account."""
        check_username(self.username)
        check_tags(self.allowed_tags)
        try:
            normalised(self.allowed_login_cidrs)
        except ValueError as error:
            raise InvalidAccount(f"The networks it may log in from cannot be read: {error}.") from None
        if self.totp_secret and not _is_secret(self.totp_secret):
            raise InvalidAccount("The secret of its authenticator is damaged.")


async def usernames(connection: AsyncConnection) -> frozenset[str]:
    """Return the names of all accounts."""
    return frozenset((await connection.execute(select(users.c.username))).scalars())


async def is_key_taken(connection: AsyncConnection, api_key: str) -> bool:
    """Whether an account has this API key."""
    query = select(users.c.id).where(users.c.api_key_hash == token_hash(api_key))
    return (await connection.execute(query)).first() is not None


async def administrators(connection: AsyncConnection) -> int:
    """Return how many active administrators there are."""
    query = select(func.count()).select_from(users).where(users.c.role == int(Role.ADMIN), users.c.is_active)
    return (await connection.execute(query)).scalar_one()


async def add_arrival(connection: AsyncConnection, arrival: Arrival, seal: Seal) -> None:
    """Store an account whose name nobody has. Raises InvalidAccount."""
    arrival.check()
    sealed = seal.seal(arrival.totp_secret)
    row = {
        "username": arrival.username,
        "password_hash": arrival.password_hash,
        "role": int(arrival.role),
        "email": arrival.email,
        "is_active": arrival.is_active,
        "api_key_hash": token_hash(arrival.api_key) if arrival.api_key else None,
        "api_key_prefix": masked_prefix(arrival.api_key) if arrival.api_key else "",
        "created_at": arrival.created_at,
        "updated_at": arrival.updated_at,
        "last_login": arrival.last_login,
        "password_change_locked": arrival.password_change_locked,
        "allowed_tags": check_tags(arrival.allowed_tags),
        "allowed_login_cidrs": normalised(arrival.allowed_login_cidrs),
        "totp_enabled": arrival.totp_enabled and bool(sealed),
        "totp_sealed": sealed if arrival.totp_enabled else "",
        "totp_pending_sealed": "" if arrival.totp_enabled else sealed,
    }
    await connection.execute(insert(users).values(row))


def _is_secret(text: str) -> bool:
    letters = text.replace(" ", "").rstrip("=")
    try:
        return len(base64.b32decode(letters + "=" * (-len(letters) % 8), casefold=True)) >= _LEAST_SECRET_BYTES
    except (binascii.Error, ValueError):
        return False
