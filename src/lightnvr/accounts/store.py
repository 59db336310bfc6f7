"""Queries for users and sessions."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.accounts.model import DuplicateUsername, LastAdministrator, Role, User, UserNotFound
from lightnvr.db.engine import Database
from lightnvr.db.tables import sessions, trusted_devices, users

_USER_COLUMNS = tuple(users.c[name] for name in User.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new account is made of; `now` is in seconds since 1970 UTC. The last three are as in User."""

    username: str
    password_hash: str
    role: Role
    email: str
    now: int
    is_active: bool = True
    allowed_tags: str = ""
    allowed_login_cidrs: str = ""
    allowed_actions: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One login, with the user it belongs to. Times are seconds since 1970 UTC."""

    id: int
    user: User
    last_used_at: int
    idle_expires_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class AccountSecrets:
    """The hashes of an active account: of its password, and of its API key when it has one.

    `limits` is all that restricts what it may be used for.
    """

    password_hash: str
    api_key_hash: str | None
    limits: str = ""


class AccountStore:
    """Reads and writes accounts and sessions; makes no decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changes = 0
        """How often something was changed, or seen to have been, that may end what somebody was let in with."""

    async def count(self) -> int:
        """Return the number of accounts."""
        async with self._database.reading.connect() as connection:
            return (await connection.execute(select(func.count()).select_from(users))).scalar_one()

    async def every(self) -> tuple[User, ...]:
        """Return all accounts, by name."""
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(select(*_USER_COLUMNS).order_by(users.c.username))).mappings()
            return tuple(_user(row) for row in rows)

    async def by_name(self, username: str) -> tuple[User, str] | None:
        """Return an account and its password hash."""
        query = select(*_USER_COLUMNS, users.c.password_hash).where(users.c.username == username)
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else (_user(row), row["password_hash"])

    async def by_api_key(self, key_hash: str) -> User | None:
        """Return the account with this API key."""
        query = select(*_USER_COLUMNS).where(users.c.api_key_hash == key_hash)
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _user(row)

    async def by_id(self, user_id: int) -> User | None:
        """Return the account with this id."""
        query = select(*_USER_COLUMNS).where(users.c.id == user_id)
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _user(row)

    async def secrets_of(self, user_ids: Collection[int]) -> dict[int, AccountSecrets]:
        """Return the hashes of those of these accounts that are there and active, by id."""
        limits = (users.c.allowed_tags, users.c.allowed_login_cidrs, users.c.allowed_actions)
        query = select(users.c.id, users.c.password_hash, users.c.api_key_hash, *limits).where(
            users.c.id.in_(user_ids), users.c.is_active
        )
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {row.id: AccountSecrets(row.password_hash, row.api_key_hash, "\0".join(row[3:])) for row in rows}

    async def live_sessions(self, hashes: Collection[str], now: int) -> set[str]:
        """Return which of these hashes of tokens belong to sessions that are not over at `now`."""
        if not hashes:
            return set()
        query = select(sessions.c.token_hash).where(
            sessions.c.token_hash.in_(hashes), sessions.c.expires_at > now, sessions.c.idle_expires_at > now
        )
        async with self._database.reading.connect() as connection:
            return set((await connection.execute(query)).scalars())

    async def add(self, new: NewUser, *, only_if_first: bool = False) -> int | None:
        """Store an account and return its id; None when `only_if_first` and there is one already.

        Raises DuplicateUsername.
        """
        row = {
            "username": new.username,
            "password_hash": new.password_hash,
            "role": int(new.role),
            "email": new.email,
            "is_active": new.is_active,
            "allowed_tags": new.allowed_tags,
            "allowed_login_cidrs": new.allowed_login_cidrs,
            "allowed_actions": new.allowed_actions,
            "api_key_hash": None,
            "api_key_prefix": "",
            "created_at": new.now,
            "updated_at": new.now,
            "last_login": 0,
        }
        try:
            async with self._database.writing.begin() as connection:
                if only_if_first and (await connection.execute(select(users.c.id).limit(1))).first():
                    return None
                added: int = (await connection.execute(insert(users).values(row).returning(users.c.id))).scalar_one()
                return added
        except IntegrityError:
            raise DuplicateUsername(new.username) from None

    async def change(self, username: str, values: Mapping[str, object], *, end_sessions: bool) -> None:
        """Store new values of one account. Raises UserNotFound."""
        async with self.changing() as connection:
            query = update(users).where(users.c.username == username).values(**values).returning(users.c.id)
            user_id = (await connection.execute(query)).scalar_one_or_none()
            if user_id is None:
                raise UserNotFound(username)
            if end_sessions:
                await connection.execute(delete(sessions).where(sessions.c.user_id == user_id))

    async def change_by_id(self, user_id: int, values: Mapping[str, object], *, end_sessions: bool) -> User:
        """Store new values of one account, all or none, and return it.

        Raises UserNotFound, DuplicateUsername, LastAdministrator.
        """
        try:
            async with self.changing() as connection:
                stays = values.get("role", Role.ADMIN) == Role.ADMIN and values.get("is_active", True) is True
                if not stays:
                    await _keep_an_administrator(connection, user_id)
                query = update(users).where(users.c.id == user_id).values(**values).returning(*_USER_COLUMNS)
                row = (await connection.execute(query)).mappings().one_or_none()
                if row is None:
                    raise UserNotFound(user_id)
                if end_sessions:
                    for table in (sessions, trusted_devices):
                        await connection.execute(delete(table).where(table.c.user_id == user_id))
                return _user(row)
        except IntegrityError:
            raise DuplicateUsername(values.get("username")) from None

    async def renew_hash(self, user_id: int, before: str, after: str) -> None:
        """Store another hash of the same password, unless the password was changed meanwhile."""
        unchanged = (users.c.id == user_id, users.c.password_hash == before)
        async with self._database.writing.begin() as connection:
            await connection.execute(update(users).where(*unchanged).values(password_hash=after))

    async def remove(self, user_id: int) -> None:
        """Delete an account and its sessions. Raises UserNotFound, LastAdministrator."""
        async with self.changing() as connection:
            await _keep_an_administrator(connection, user_id)
            removed = await connection.execute(delete(users).where(users.c.id == user_id).returning(users.c.id))
            if removed.first() is None:
                raise UserNotFound(user_id)

    async def add_session(self, user: User, password_hash: str, values: Mapping[str, object]) -> bool:
        """Store a session, unless the account can be logged in to in another way than when it was looked at.

        What ended all its sessions meanwhile ends this one too. Returns whether it was stored.
        """
        same = (users.c.password_hash == password_hash, users.c.totp_enabled.is_(user.totp_enabled), users.c.is_active)
        # Locked, so that whoever changes the account waits, and then finds the session.
        query = select(users.c.id).where(users.c.id == user.id, *same).with_for_update(read=True)
        async with self._database.writing.begin() as connection:
            if (await connection.execute(query)).first() is None:
                return False
            await connection.execute(insert(sessions).values(user_id=user.id, **values))
            return True

    async def session(self, hash_of_token: str) -> Session | None:
        """Return the session with this token, ended or not."""
        query = (
            select(
                sessions.c.id.label("session_id"),
                sessions.c.last_used_at,
                sessions.c.idle_expires_at,
                sessions.c.expires_at,
                *_USER_COLUMNS,
            )
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.token_hash == hash_of_token)
        )
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        return Session(row["session_id"], _user(row), row["last_used_at"], row["idle_expires_at"], row["expires_at"])

    async def touch_session(self, session_id: int, *, last_used_at: int, idle_expires_at: int) -> None:
        """Store that a session was used."""
        values = {"last_used_at": last_used_at, "idle_expires_at": idle_expires_at}
        async with self._database.writing.begin() as connection:
            await connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))

    async def remove_session(self, hash_of_token: str) -> None:
        """Forget one session."""
        async with self.changing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == hash_of_token))

    async def remove_ended_sessions(self, now: int) -> None:
        """Forget the sessions that are over."""
        ended = (sessions.c.expires_at <= now) | (sessions.c.idle_expires_at <= now)
        async with self._database.writing.begin() as connection:
            await connection.execute(delete(sessions).where(ended))

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """Return a transaction that may end what somebody was let in with."""
        try:
            async with self._database.writing.begin() as connection:
                yield connection
        finally:
            # Only now that it is stored: who reads before this may still see what was.
            self.changes += 1


async def _keep_an_administrator(connection: AsyncConnection, user_id: int) -> None:
    """Raise LastAdministrator when there is no other active one than this, if it is one."""
    query = select(users.c.id).where(users.c.role == int(Role.ADMIN), users.c.is_active)
    # Locked, so that of two administrators not each can remove the other. SQLite has one writer anyway.
    active = set((await connection.execute(query.with_for_update())).scalars())
    if active == {user_id}:
        raise LastAdministrator


def _user(row: RowMapping) -> User:
    return User(**{name: row[name] for name in User.__dataclass_fields__ if name != "role"}, role=Role(row["role"]))
