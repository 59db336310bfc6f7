"""Accounts and sessions, on each kind of database."""

from hashlib import pbkdf2_hmac
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, text, update

from lightnvr.accounts.administration import Administration, UserChange
from lightnvr.accounts.authentication import Authentication, Credentials
from lightnvr.accounts.factor_store import FactorStore
from lightnvr.accounts.first_account import make_first_account
from lightnvr.accounts.limiter import LimiterRules, LoginLimiter
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.model import (
    AccountChanged,
    DuplicateUsername,
    InvalidAccount,
    LastAdministrator,
    Role,
    User,
    UserNotFound,
)
from lightnvr.accounts.old_hashes import taken_over
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.presence import Presence
from lightnvr.accounts.sessions import SessionRules, Sessions
from lightnvr.accounts.store import AccountStore
from lightnvr.db.engine import Database
from lightnvr.db.tables import sessions, users
from tests.integration.api.running import PASSWORD, Clock

HOUR = 3600


class Accounts:
    """All parts of the room, put together for one test."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.clock = Clock()
        self.file = folder / "data" / "initial-admin-password.txt"
        self.store, self.passwords = AccountStore(database), Passwords()
        self.administration = Administration(self.store, self.passwords, self.clock, self.file)
        limiter = LoginLimiter(LimiterRules(True, 3, 300), self.clock)
        self.logins = Logins(self.store, self.passwords, limiter, self.clock)
        self.sessions = Sessions(self.store, SessionRules(24 * HOUR, 168 * HOUR), self.clock)
        self.authentication = Authentication(
            self.store, self.sessions, self.logins, ticket_key=b"key", now=self.clock, enabled=True
        )

    async def first(self, chosen: str = "") -> str | None:
        """Make the first account and return its random password."""
        made = await make_first_account(
            self.store, self.passwords, self.clock, chosen_password=chosen, initial_password_file=self.file
        )
        return None if made is None else made.password

    async def log_in(self, username: str = "admin") -> str:
        """Return the token of a session."""
        verified = await self.logins.verify(username, PASSWORD, "::1")
        assert verified is not None
        user, password_hash = verified
        return await self.sessions.open(user, password_hash=password_hash, address="::1", user_agent="test")


@pytest.fixture
def accounts(database: Database, tmp_path: Path) -> Accounts:
    return Accounts(database, tmp_path)


async def test_the_first_start_makes_an_administrator_with_a_random_password(accounts: Accounts) -> None:
    password = await accounts.first()
    assert password is not None
    assert accounts.file.read_text().strip() == password
    assert accounts.file.stat().st_mode & 0o777 == 0o600
    user = await accounts.logins.check("admin", password, "::1")
    assert user is not None
    assert user.role is Role.ADMIN
    assert await accounts.first() is None


async def test_the_file_with_the_first_password_goes_when_it_is_changed(accounts: Accounts) -> None:
    await accounts.first()
    await accounts.administration.add("other", PASSWORD, Role.USER)
    await accounts.administration.set_password("other", "another password")
    assert accounts.file.exists()
    await accounts.administration.set_password("admin", "another password")
    assert not accounts.file.exists()


async def test_a_chosen_first_password_is_written_nowhere(accounts: Accounts) -> None:
    assert await accounts.first(PASSWORD) is None
    assert not accounts.file.exists()
    assert await accounts.logins.check("admin", PASSWORD, "::1")
    assert await accounts.logins.check("admin", "admin", "::1") is None


async def test_names_and_passwords_have_rules(accounts: Accounts) -> None:
    for name in ("ab", "x" * 33, "with:colon", "line\nbreak", " blank"):
        with pytest.raises(InvalidAccount):
            await accounts.administration.add(name, PASSWORD, Role.USER)
    for password in ("short", "x" * 1025, "\ud800xxxxxxxxxx"):
        with pytest.raises(InvalidAccount):
            await accounts.administration.add("someone", password, Role.USER)
    await accounts.administration.add("ünïcödé", "x" * 1024, Role.USER)
    assert await accounts.logins.check("ünïcödé", "x" * 1024, "::1")
    assert await accounts.logins.check("ünïcödé", "x" * 1023, "::1") is None


async def test_a_name_is_there_once(accounts: Accounts) -> None:
    await accounts.administration.add("someone", PASSWORD, Role.USER)
    with pytest.raises(DuplicateUsername):
        await accounts.administration.add("someone", PASSWORD, Role.ADMIN)


async def test_the_last_administrator_stays(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    with pytest.raises(LastAdministrator):
        await accounts.administration.remove("admin")
    await accounts.administration.add("second", PASSWORD, Role.ADMIN)
    await accounts.administration.remove("admin")
    assert [user.username for user in await accounts.administration.users()] == ["second"]


@pytest.mark.parametrize("by", ["removal", "role", "deactivation"])
async def test_two_administrators_at_once_do_not_leave_none(accounts: Accounts, by: str) -> None:
    await accounts.first(PASSWORD)
    await accounts.administration.add("second", PASSWORD, Role.ADMIN)
    refused = 0

    async def away(user: User) -> None:
        nonlocal refused
        try:
            if by == "removal":
                await accounts.administration.delete(user.id)
            elif by == "role":
                await accounts.administration.change(user.id, UserChange(role=Role.USER))
            else:
                await accounts.administration.change(user.id, UserChange(is_active=False))
        except LastAdministrator:
            refused += 1

    async with anyio.create_task_group() as group:
        for user in await accounts.administration.users():
            group.start_soon(away, user)
    left = [user for user in await accounts.administration.users() if user.role is Role.ADMIN and user.is_active]
    assert (len(left), refused) == (1, 1)


async def test_a_disk_that_is_full_keeps_nobody_out_who_was_in(accounts: Accounts, database: Database) -> None:
    await accounts.first(PASSWORD)
    token = await accounts.log_in()
    user = await accounts.administration.named("admin")
    if not database.is_sqlite:
        pytest.skip("a trigger stands for the disk, in the words of SQLite")
    async with database.writing.begin() as connection:
        for table in ("users", "sessions"):
            what = f"CREATE TRIGGER {table}_full BEFORE UPDATE ON {table} BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
            await connection.execute(text(what))
    accounts.clock.seconds += HOUR
    assert await accounts.sessions.find(token) == user
    assert await accounts.logins.check_remembered("admin", PASSWORD, "192.0.2.1") == user


async def test_a_password_that_is_changed_while_it_is_verified_opens_nothing(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.first(PASSWORD)
    verify = accounts.passwords.verify

    async def verify_slowly(password: str, stored: str | None) -> bool:
        right = await verify(password, stored)
        await accounts.administration.set_password("admin", "another password")
        return right

    monkeypatch.setattr(accounts.passwords, "verify", verify_slowly)
    assert await accounts.logins.check("admin", PASSWORD, "192.0.2.1") is None


@pytest.mark.parametrize("change", ["password", "deactivated", "deleted", "authenticator", "elsewhere"])
async def test_what_ends_all_sessions_ends_one_that_is_just_being_opened(
    accounts: Accounts, database: Database, change: str
) -> None:
    await accounts.first(PASSWORD)
    await accounts.administration.add("second", PASSWORD, Role.ADMIN)
    verified = await accounts.logins.verify("admin", PASSWORD, "::1")
    assert verified is not None
    user, password_hash = verified
    match change:
        case "password":
            await accounts.administration.set_password("admin", "another password")
        case "deactivated":
            await accounts.administration.change(user.id, UserChange(is_active=False))
        case "deleted":
            await accounts.administration.remove("admin")
        case "authenticator":
            await FactorStore(database, accounts.store).enable(user.id, "sealed", 1, (), "")
        case _:
            # Another process has a store of its own.
            other = Accounts(database, accounts.file.parent)
            await other.administration.set_password("admin", PASSWORD)
    with pytest.raises(AccountChanged):
        await accounts.sessions.open(user, password_hash=password_hash, address="::1", user_agent="")
    async with database.reading.connect() as connection:
        assert (await connection.execute(select(sessions))).all() == []


async def test_no_device_is_trusted_whose_session_has_ended(accounts: Accounts, database: Database) -> None:
    await accounts.first(PASSWORD)
    presence = Presence(database, accounts.store, accounts.clock, trusted_days=30)
    token = await accounts.log_in()
    assert await presence.trust(1, session=token, address="::1", user_agent="")
    await accounts.administration.set_password("admin", "another password")
    assert await presence.trust(1, session=token, address="::1", user_agent="") is None
    assert await presence.devices(1) == ()


async def test_a_login_with_a_password_of_the_original_gives_a_session(accounts: Accounts, database: Database) -> None:
    await accounts.first(PASSWORD)
    digest = pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 10_000).hex()
    async with database.writing.begin() as connection:
        await connection.execute(update(users).values(password_hash=taken_over(b"salt".hex(), digest)))
    assert await accounts.sessions.find(await accounts.log_in())


async def test_a_new_start_makes_no_administrator_where_there_is_an_account(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    await accounts.administration.change(1, UserChange(username="owner"))
    assert await accounts.first() is None
    await accounts.administration.add("second", PASSWORD, Role.ADMIN)
    await accounts.administration.remove("owner")
    assert await accounts.first() is None
    assert [user.username for user in await accounts.administration.users()] == ["second"]


async def test_unknown_users_are_said_to_be_unknown(accounts: Accounts) -> None:
    for action in (accounts.administration.remove, accounts.administration.renew_api_key):
        with pytest.raises(UserNotFound):
            await action("nobody")
    with pytest.raises(UserNotFound):
        await accounts.administration.set_password("nobody", PASSWORD)


async def test_a_session_ends_when_it_is_not_used(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    token = await accounts.log_in()
    for _ in range(3):
        accounts.clock.seconds += 23 * HOUR
        assert await accounts.sessions.find(token)
    accounts.clock.seconds += 24 * HOUR
    assert await accounts.sessions.find(token) is None


async def test_a_session_ends_at_last_although_it_is_used(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    token = await accounts.log_in()
    for _ in range(8):
        accounts.clock.seconds += 20 * HOUR
        assert await accounts.sessions.find(token)
    accounts.clock.seconds += 9 * HOUR
    assert await accounts.sessions.find(token) is None


async def test_a_changed_password_ends_sessions_and_remembered_passwords(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    assert await accounts.logins.check_remembered("admin", PASSWORD, "::1")
    token = await accounts.log_in()
    await accounts.administration.set_password("admin", "another password")
    assert await accounts.sessions.find(token) is None
    assert await accounts.logins.check_remembered("admin", PASSWORD, "::1") is None
    assert await accounts.logins.check_remembered("admin", "another password", "::1")


async def test_a_new_api_key_ends_the_one_before(accounts: Accounts) -> None:
    await accounts.first(PASSWORD)
    old, new = [await accounts.administration.renew_api_key("admin") for _ in range(2)]
    assert await accounts.authentication.admission(Credentials(api_key=old)) is None
    for credentials in (Credentials(api_key=f" {new} "), Credentials(authorization=f"Bearer {new}")):
        admission = await accounts.authentication.admission(credentials)
        assert admission is not None
        assert admission.user.api_key_prefix == new[:6] + "*" * 26


async def test_neither_keys_nor_tokens_nor_passwords_are_stored(accounts: Accounts, database: Database) -> None:
    await accounts.first(PASSWORD)
    key = await accounts.administration.renew_api_key("admin")
    token = await accounts.log_in()
    async with database.reading.connect() as connection:
        rows = [str(row) for table in (users, sessions) for row in await connection.execute(select(table))]
    assert len(rows) == 2
    assert not any(secret in row for row in rows for secret in (PASSWORD, key, token))
    assert "$argon2id$" in rows[0]
