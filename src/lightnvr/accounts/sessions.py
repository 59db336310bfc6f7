"""Sessions: what a browser has after a login."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from lightnvr.accounts.model import AccountChanged, User
from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.tokens import new_token, token_hash

_TOUCH_INTERVAL_S = 60
_MAX_USER_AGENT = 255
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session lasts, in seconds: without a request, and at most."""

    idle_s: int
    absolute_s: int


class Sessions:
    """Opens, finds and ends sessions. `now` gives seconds since 1970 UTC; `rules` may be replaced."""

    def __init__(self, store: AccountStore, rules: SessionRules, now: Callable[[], float]) -> None:
        self._store = store
        self.rules = rules
        self._now = now

    async def open(self, user: User, *, password_hash: str, address: str, user_agent: str) -> str:
        """Return the token of a new session. It is not stored, only its hash is.

        `password_hash` is what was stored of the password that was right. Raises AccountChanged.
        """
        token, now = new_token(), int(self._now())
        await self._store.remove_ended_sessions(now)
        is_open = await self._store.add_session(
            user,
            password_hash,
            {
                "token_hash": token_hash(token),
                "created_at": now,
                "last_used_at": now,
                "idle_expires_at": now + min(self.rules.idle_s, self.rules.absolute_s),
                "expires_at": now + self.rules.absolute_s,
                "address": address,
                "user_agent": user_agent[:_MAX_USER_AGENT],
            },
        )
        if not is_open:
            raise AccountChanged
        return token

    async def find(self, token: str) -> User | None:
        """Return the user of a session that is not over, and keep it alive."""
        session = await self._store.session(token_hash(token))
        now = int(self._now())
        if session is None or not session.user.is_active or now >= min(session.expires_at, session.idle_expires_at):
            return None
        if now - session.last_used_at >= _TOUCH_INTERVAL_S:
            idle_expires_at = min(now + self.rules.idle_s, session.expires_at)
            try:
                await self._store.touch_session(session.id, last_used_at=now, idle_expires_at=idle_expires_at)
            except SQLAlchemyError as error:
                # A full disk must not keep the owner from making room on it.
                log.warning("it could not be stored that a session of %s was used: %s", session.user.username, error)
        return session.user

    async def end(self, token: str) -> None:
        """End a session; one that is unknown is ended already."""
        await self._store.remove_session(token_hash(token))
