"""Everything about who comes in, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.audit import AuditLog, Deed, Outcome
from lightnvr.accounts.audit_writer import AuditWriter
from lightnvr.accounts.authentication import Authentication
from lightnvr.accounts.factor_store import FactorStore
from lightnvr.accounts.limiter import LimiterRules, LoginLimiter
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.model import User
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.presence import Presence
from lightnvr.accounts.second_factor import Seal, SecondFactor
from lightnvr.accounts.sessions import SessionRules, Sessions
from lightnvr.accounts.sign_in import SignIn
from lightnvr.accounts.store import AccountStore
from lightnvr.db.engine import Database


@dataclass(frozen=True, slots=True)
class EntranceRules:
    """How strict it is. `code_with_password` as in SignIn, `trusted_days` as in Presence."""

    enabled: bool
    sessions: SessionRules
    limiter: LimiterRules
    code_with_password: bool = False
    trusted_days: int = 30


@dataclass(frozen=True, slots=True)
class Entrance:
    """The parts, which share a store and what they remember of wrong passwords."""

    authentication: Authentication
    administration: Administration
    sessions: Sessions
    logins: Logins
    sign_in: SignIn
    second_factor: SecondFactor
    presence: Presence
    audit: AuditLog
    audit_writer: AuditWriter
    limiter: LoginLimiter

    def take(self, rules: EntranceRules) -> None:
        """Be as strict as this from now on. Whether callers must log in at all stays as it is."""
        self.sessions.rules = rules.sessions
        self.limiter.rules = rules.limiter
        self.sign_in.code_with_password = rules.code_with_password
        self.presence.trusted_days = rules.trusted_days


def open_entrance(
    database: Database,
    rules: EntranceRules,
    seal: Seal,
    *,
    ticket_key: bytes,
    audit_key: bytes,
    initial_password_file: Path,
    now: Callable[[], float],
    monotonic: Callable[[], float],
) -> Entrance:
    """Make all parts. `now` gives seconds since 1970 UTC, `monotonic` seconds that only go forward."""
    store, passwords = AccountStore(database), Passwords()
    limiter = LoginLimiter(rules.limiter, monotonic)
    logins = Logins(store, passwords, limiter, now)
    sessions = Sessions(store, rules.sessions, now)
    audit = AuditLog(database, audit_key, now)

    writer = AuditWriter(audit)

    async def refused(user: User | None, address: str, why: str) -> None:
        name, user_id = ("", None) if user is None else (user.username, user.id)
        await writer.add(Deed(name, user_id, "log in", "", Outcome.REFUSED, address, why))

    authentication = Authentication(
        store, sessions, logins, ticket_key=ticket_key, now=now, enabled=rules.enabled, on_refused=refused
    )
    presence = Presence(database, store, now, trusted_days=rules.trusted_days)
    factor = SecondFactor(FactorStore(database, store), seal, limiter, now)
    return Entrance(
        authentication=authentication,
        administration=Administration(store, passwords, now, initial_password_file),
        sessions=sessions,
        logins=logins,
        sign_in=SignIn(
            store,
            logins,
            factor,
            presence,
            authentication.standing,
            now,
            code_with_password=rules.code_with_password,
            monotonic=monotonic,
        ),
        second_factor=factor,
        presence=presence,
        audit=audit,
        audit_writer=writer,
        limiter=limiter,
    )
