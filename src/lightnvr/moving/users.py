"""Accounts of the original, with their passwords, authenticators and API keys."""

import secrets
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.accounts.arrivals import Arrival, add_arrival, administrators, is_key_taken, usernames
from lightnvr.accounts.model import InvalidAccount, Role
from lightnvr.accounts.old_hashes import UnreadableHash, matches, taken_over
from lightnvr.accounts.second_factor import Seal
from lightnvr.moving.original import Original, OriginalRow
from lightnvr.moving.report import Report, Thing
from lightnvr.moving.values import flag, seconds, text

_KNOWN_PASSWORD = "admin"  # noqa: S105 - the one that everybody knows
_ROLES = {
    **{str(int(role)): role for role in Role},
    **{role.name.lower(): role for role in Role},
}


class UserMover:
    """Takes over accounts within a connection that the caller owns."""

    def __init__(
        self,
        seal: Seal,
        hash_password: Callable[[str], Awaitable[str]],
        show_password: Callable[[str, str], None],
        report: Report,
    ) -> None:
        """`show_password` gets the name and the new password of an account whose own must not be used any more."""
        self._seal = seal
        self._hash_password = hash_password
        self._show_password = show_password
        self._report = report

    async def take_over(self, connection: AsyncConnection, original: Original) -> None:
        """Store every account whose name is not there yet. Raises DamagedTable."""
        there, seen = await usernames(connection), set[str]()
        for row in original.rows("users"):
            name = text(row["username"])
            what = f"user {name or '(without a name)'}"
            if name in seen:
                self._report.left(Thing.USER, what, "There is another user of this name.")
                continue
            if name in there:
                self._report.present(Thing.USER)
                seen.add(name)
                continue
            try:
                await self._add(connection, row, name, what)
            except InvalidAccount as error:
                self._report.left(Thing.USER, what, str(error))
                continue
            seen.add(name)
            self._report.taken(Thing.USER)
        if (there or seen) and not await administrators(connection):
            self._report.note("there is no administrator: add one with `lightnvr user add NAME --role admin`")

    async def _add(self, connection: AsyncConnection, row: OriginalRow, name: str, what: str) -> None:
        arrival = _arrival(row, name)
        arrival.check()
        key = arrival.api_key
        if key and await is_key_taken(connection, key):
            self._report.changed(what, "another account has the same API key, so it has none now")
            key = ""
        stored = arrival.password_hash
        if matches(_KNOWN_PASSWORD, stored):
            password = secrets.token_urlsafe(12)
            stored = await self._hash_password(password)
            self._report.changed(
                what, f"its password was {_KNOWN_PASSWORD!r}, which everybody knows; it has another now"
            )
            self._show_password(name, password)
        if key != arrival.api_key or stored != arrival.password_hash:
            arrival = _arrival(row, name, key=key, stored=stored)
        await add_arrival(connection, arrival, self._seal)


def _arrival(row: OriginalRow, name: str, *, key: str | None = None, stored: str | None = None) -> Arrival:
    role = _ROLES.get(text(row["role"]).strip().lower())
    if role is None:
        # The original takes every other text for the role of administrators.
        raise InvalidAccount(f"Its role {text(row['role'])!r} is not known.")
    try:
        password_hash = stored or taken_over(text(row["salt"]), text(row["password_hash"]))
    except UnreadableHash:
        raise InvalidAccount("Its password is not stored in a form that is known.") from None
    return Arrival(
        username=name,
        password_hash=password_hash,
        role=role,
        email=text(row["email"]),
        is_active=flag(row["is_active"], default=True),
        created_at=seconds(row["created_at"]),
        updated_at=seconds(row["updated_at"]),
        last_login=seconds(row["last_login"]),
        password_change_locked=flag(row["password_change_locked"], default=False),
        allowed_tags=text(row["allowed_tags"]),
        allowed_login_cidrs=text(row["allowed_login_cidrs"]),
        totp_secret=text(row["totp_secret"]).strip(),
        totp_enabled=flag(row["totp_enabled"], default=False),
        api_key=text(row["api_key"]).strip() if key is None else key,
    )
