"""Where users are logged in, and which devices of theirs need no code."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select, update

from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.tokens import new_token, token_hash
from lightnvr.db.engine import Database
from lightnvr.db.tables import sessions, trusted_devices

_MAX_USER_AGENT = 255
_BIGGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One login. Times are seconds since 1970 UTC."""

    id: int
    token_hash: str
    created_at: int
    last_used_at: int
    idle_expires_at: int
    expires_at: int
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class TrustedDevice:
    """A browser that needs no code. Times are seconds since 1970 UTC."""

    id: int
    token_hash: str
    created_at: int
    last_used_at: int
    expires_at: int
    address: str
    user_agent: str


_SESSION_COLUMNS = tuple(sessions.c[name] for name in OpenSession.__dataclass_fields__)
_DEVICE_COLUMNS = tuple(trusted_devices.c[name] for name in TrustedDevice.__dataclass_fields__)


class Presence:
    """Lists and ends sessions and trusted devices. `now` gives seconds since 1970 UTC."""

    def __init__(
        self, database: Database, accounts: AccountStore, now: Callable[[], float], *, trusted_days: int
    ) -> None:
        """A device is trusted for `trusted_days`; 0 is never."""
        self._database = database
        self._accounts = accounts
        self._now = now
        self.trusted_days = trusted_days

    async def sessions(self, user_id: int) -> tuple[OpenSession, ...]:
        """Return the sessions of a user that are not over, the one used last first."""
        now = int(self._now())
        query = (
            select(*_SESSION_COLUMNS)
            .where(sessions.c.user_id == user_id, sessions.c.expires_at > now, sessions.c.idle_expires_at > now)
            .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
        )
        async with self._database.reading.connect() as connection:
            return tuple(OpenSession(*row) for row in await connection.execute(query))

    async def end_session(self, user_id: int, session_id: int) -> str | None:
        """End one session of a user. Returns the hash of its token, None when there is no such session."""
        if session_id > _BIGGEST_ID:
            return None
        query = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == session_id)
        async with self._accounts.changing() as connection:
            return (await connection.execute(query.returning(sessions.c.token_hash))).scalar_one_or_none()

    async def end_everything(self, user_id: int) -> int:
        """End all sessions of a user and trust none of their devices. Returns how many sessions that were."""
        async with self._accounts.changing() as connection:
            ended = await connection.execute(
                delete(sessions).where(sessions.c.user_id == user_id).returning(sessions.c.id)
            )
            await connection.execute(delete(trusted_devices).where(trusted_devices.c.user_id == user_id))
            return len(ended.all())

    async def devices(self, user_id: int) -> tuple[TrustedDevice, ...]:
        """Return the devices of a user that are trusted, the one used last first."""
        query = (
            select(*_DEVICE_COLUMNS)
            .where(trusted_devices.c.user_id == user_id, trusted_devices.c.expires_at > int(self._now()))
            .order_by(trusted_devices.c.last_used_at.desc(), trusted_devices.c.id.desc())
        )
        async with self._database.reading.connect() as connection:
            return tuple(TrustedDevice(*row) for row in await connection.execute(query))

    async def forget_device(self, user_id: int, device_id: int) -> str | None:
        """Trust a device of a user no more. Returns the hash of its token, None when there is no such device."""
        if device_id > _BIGGEST_ID:
            return None
        query = delete(trusted_devices).where(trusted_devices.c.user_id == user_id, trusted_devices.c.id == device_id)
        async with self._database.writing.begin() as connection:
            return (await connection.execute(query.returning(trusted_devices.c.token_hash))).scalar_one_or_none()

    async def trust(self, user_id: int, *, session: str, address: str, user_agent: str) -> str | None:
        """Trust a device and return its token; None when the session with the token `session` is over already."""
        token, now = new_token(), int(self._now())
        row = {
            "user_id": user_id,
            "token_hash": token_hash(token),
            "created_at": now,
            "last_used_at": now,
            "expires_at": now + self.trusted_days * 86_400,
            "address": address,
            "user_agent": user_agent[:_MAX_USER_AGENT],
        }
        # Locked, so that whoever ends all sessions waits, and then finds the device.
        still_there = select(sessions.c.id).where(sessions.c.token_hash == token_hash(session))
        async with self._database.writing.begin() as connection:
            if (await connection.execute(still_there.with_for_update(read=True))).first() is None:
                return None
            await connection.execute(delete(trusted_devices).where(trusted_devices.c.expires_at <= now))
            await connection.execute(insert(trusted_devices).values(row))
        return token

    async def trusts(self, user_id: int, token: str) -> bool:
        """Whether this is the token of a device that is trusted to be used by this user."""
        if not self.trusted_days:
            return False
        now = int(self._now())
        found: ColumnElement[bool] = (
            (trusted_devices.c.user_id == user_id)
            & (trusted_devices.c.token_hash == token_hash(token))
            & (trusted_devices.c.expires_at > now)
        )
        query = update(trusted_devices).where(found).values(last_used_at=now).returning(trusted_devices.c.id)
        async with self._database.writing.begin() as connection:
            return (await connection.execute(query)).first() is not None
