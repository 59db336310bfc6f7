"""Finds out who is calling: session cookie, then what a proxy says, then Basic authentication, then API key."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lightnvr.accounts.admission import Admission, Proof, ProofKind, Standing
from lightnvr.accounts.lately import LatelyAdmitted
from lightnvr.accounts.logins import Logins
from lightnvr.accounts.model import Role, User
from lightnvr.accounts.sessions import Sessions
from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.tickets import Tickets
from lightnvr.accounts.tokens import token_hash

_MAX_KEY = 127

EVERYBODY = User(
    id=0,
    username="admin",
    role=Role.ADMIN,
    email="",
    is_active=True,
    api_key_prefix="",
    created_at=0,
    updated_at=0,
    last_login=0,
)
"""The caller when authentication is switched off."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought, and the address it came from. Empty is absent; a ticket is for live view only.

    `proxy_user` is the name of the user whom a reverse proxy has let in, from such a one only.
    """

    session: str = ""
    authorization: str = ""
    api_key: str = ""
    address: str = ""
    ticket: str = ""
    proxy_user: str = ""


class Authentication:
    """Turns credentials into a user. A wrong one of one kind does not keep the next kind from being tried."""

    def __init__(
        self,
        store: AccountStore,
        sessions: Sessions,
        logins: Logins,
        *,
        ticket_key: bytes,
        now: Callable[[], float],
        enabled: bool,
        on_refused: Callable[[User | None, str, str], Awaitable[None]] | None = None,
    ) -> None:
        """`ticket_key` is secret and lasts beyond a restart; `now` gives seconds since 1970 UTC.

        `on_refused` is told of each password that came with a request and was wrong, or not enough, and of each key
        that is nobody's: whose it is not, from which address, and why.
        """
        self._store = store
        self._sessions = sessions
        self._logins = logins
        self._enabled = enabled
        self._lately = LatelyAdmitted(lambda: store.changes, now)
        self._on_refused = on_refused
        self.standing = Standing(store, now)
        self.tickets = Tickets(ticket_key, store, self.standing, now)

    @property
    def enabled(self) -> bool:
        """Whether callers must log in at all."""
        return self._enabled

    async def admission(self, credentials: Credentials) -> Admission | None:
        """Return the caller and what they were let in with, or None.

        Raises TooManyAttempts when passwords are being guessed.

        A ticket is looked at when there is nothing else; it admits to its own stream only. What the same credentials
        admitted to in the same second is not looked up again, unless an account or a session was changed meanwhile.
        """
        if not self._enabled:
            return Admission(EVERYBODY, Proof(ProofKind.NONE, EVERYBODY.id))
        digest = self._lately.digest(
            credentials.session,
            credentials.authorization,
            credentials.api_key,
            credentials.ticket,
            credentials.address,
            credentials.proxy_user,
        )
        moment = self._lately.moment()
        admitted = self._lately.find(digest, moment)
        if admitted is None:
            admitted = await self._look_up(credentials)
            if admitted is not None:
                self._lately.remember(digest, moment, admitted)
        return admitted

    async def _look_up(self, credentials: Credentials) -> Admission | None:
        found = await self._find(credentials)
        if found is not None:
            user, kind, secret_hash = found
            return Admission(user, await self.standing.prove(kind, user, secret_hash))
        admission = await self.tickets.admission(credentials.ticket) if credentials.ticket else None
        return admission if admission is not None and admission.user.may_come_from(credentials.address) else None

    async def _find(self, credentials: Credentials) -> tuple[User, ProofKind, str] | None:
        if not self._enabled:
            return EVERYBODY, ProofKind.NONE, ""
        if credentials.session:
            user = await self._sessions.find(credentials.session)
            if user is not None and user.may_come_from(credentials.address):
                return user, ProofKind.SESSION, token_hash(credentials.session)
        user = await self._logins.known(credentials.proxy_user) if credentials.proxy_user else None
        if user is not None and user.is_active and user.may_come_from(credentials.address):
            return user, ProofKind.PROXY, ""
        scheme, _, value = credentials.authorization.partition(" ")
        if scheme.lower() == "basic":
            user = await self._basic(value.strip(), credentials.address)
            if user is not None:
                return user, ProofKind.PASSWORD, ""
        key = credentials.api_key.strip() or (value.strip() if scheme.lower() == "bearer" else "")
        user = await self._api_key(key, credentials.address) if 0 < len(key) <= _MAX_KEY else None
        if user is not None and user.may_come_from(credentials.address):
            return user, ProofKind.API_KEY, token_hash(key)
        return None

    async def _basic(self, encoded: str, address: str) -> User | None:
        username, password = _name_and_password(encoded)
        if not username or not password:
            return None
        user = await self._logins.check_remembered(username, password, address)
        if user is not None and user.totp_enabled:
            # There is no place for a code in it; API keys are for programs.
            user = None
        if user is None and self._on_refused is not None:
            known = await self._logins.known(username)
            await self._on_refused(known, address, "wrong password in a request, or not enough")
        return user

    async def _api_key(self, key: str, address: str) -> User | None:
        user = await self._store.by_api_key(token_hash(key))
        if user is None and self._logins.is_new_wrong_key(key, address) and self._on_refused is not None:
            await self._on_refused(None, address, "wrong API key")
        return user if user is not None and user.is_active else None


def basic_password(authorization: str) -> str:
    """Return the password that a Basic `Authorization` holds, empty when it is none."""
    scheme, _, encoded = authorization.partition(" ")
    return _name_and_password(encoded.strip())[1] if scheme.lower() == "basic" else ""


def _name_and_password(encoded: str) -> tuple[str, str]:
    # RFC 7617: base64 of name:password, the first colon separates.
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = decoded.partition(":")
    return username, password
