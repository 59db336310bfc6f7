"""Queries for the second factor."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.accounts.model import UserNotFound
from lightnvr.accounts.store import AccountStore
from lightnvr.db.engine import Database
from lightnvr.db.tables import recovery_codes, sessions, trusted_devices, users


@dataclass(frozen=True, slots=True)
class StoredFactor:
    """What is stored of one account. `step` is the last step of time of which a code was accepted."""

    username: str
    is_enabled: bool
    secret_sealed: str
    pending_sealed: str
    step: int


class FactorStore:
    """Reads and writes secrets of authenticators, sealed, and hashes of recovery codes; makes no decisions."""

    def __init__(self, database: Database, accounts: AccountStore) -> None:
        self._database = database
        self._accounts = accounts

    async def get(self, user_id: int) -> StoredFactor:
        """Return what is stored. Raises UserNotFound."""
        query = select(
            users.c.username, users.c.totp_enabled, users.c.totp_sealed, users.c.totp_pending_sealed, users.c.totp_step
        ).where(users.c.id == user_id)
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UserNotFound(user_id)
        return StoredFactor(*row)

    async def put_pending(self, user_id: int, sealed: str) -> None:
        """Store a secret that is not in force yet."""
        async with self._database.writing.begin() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(totp_pending_sealed=sealed))

    async def enable(self, user_id: int, sealed: str, step: int, hashes: Iterable[str], kept_session: str) -> None:
        """Put a secret in force with new recovery codes, and end all sessions but one."""
        values = {"totp_enabled": True, "totp_sealed": sealed, "totp_pending_sealed": "", "totp_step": step}
        async with self._accounts.changing() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(values))
            await _replace_codes(connection, user_id, hashes)
            await _end_others(connection, user_id, kept_session)

    async def disable(self, user_id: int, kept_session: str) -> None:
        """Forget secrets and recovery codes, and end all sessions but one."""
        values = {"totp_enabled": False, "totp_sealed": "", "totp_pending_sealed": "", "totp_step": 0}
        async with self._accounts.changing() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(values))
            await _replace_codes(connection, user_id, ())
            await _end_others(connection, user_id, kept_session)

    async def use_step(self, user_id: int, step: int) -> bool:
        """Use up a step of time and those before it. Returns whether it was not used up yet."""
        query = update(users).where(users.c.id == user_id, users.c.totp_step < step).values(totp_step=step)
        async with self._database.writing.begin() as connection:
            return (await connection.execute(query.returning(users.c.id))).first() is not None

    async def use_recovery_code(self, user_id: int, code_hash: str) -> bool:
        """Use up a recovery code. Returns whether there was this one."""
        query = delete(recovery_codes).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash
        )
        async with self._database.writing.begin() as connection:
            return (await connection.execute(query.returning(recovery_codes.c.code_hash))).first() is not None

    async def replace_recovery_codes(self, user_id: int, hashes: Iterable[str]) -> None:
        """Store new recovery codes in place of those there are."""
        async with self._database.writing.begin() as connection:
            await _replace_codes(connection, user_id, hashes)

    async def recovery_codes_left(self, user_id: int) -> int:
        """Return how many recovery codes are not used up."""
        query = select(recovery_codes.c.code_hash).where(recovery_codes.c.user_id == user_id)
        async with self._database.reading.connect() as connection:
            return len((await connection.execute(query)).all())


async def _replace_codes(connection: AsyncConnection, user_id: int, hashes: Iterable[str]) -> None:
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in hashes]
    if rows:
        await connection.execute(insert(recovery_codes), rows)


async def _end_others(connection: AsyncConnection, user_id: int, kept_session: str) -> None:
    others = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.token_hash != kept_session)
    await connection.execute(others)
    await connection.execute(delete(trusted_devices).where(trusted_devices.c.user_id == user_id))
