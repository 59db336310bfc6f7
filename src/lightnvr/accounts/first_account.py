"""Makes the account admin at the first start, never with a password that anybody else could know."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from lightnvr.accounts.model import Role, check_password
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore, NewUser

FIRST_USERNAME = "admin"


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """The account that was made. `password` is set only when it is a random one, to be shown once."""

    username: str
    password: str | None


async def make_first_account(
    store: AccountStore,
    passwords: Passwords,
    now: Callable[[], float],
    *,
    chosen_password: str,
    initial_password_file: Path,
) -> FirstAccount | None:
    """Make the account admin when there is no account at all; return None when there is one.

    Without a chosen password it gets a random one, which is also written to `initial_password_file` (mode 0600). Raises
    InvalidAccount when the chosen password is too short or too long.
    """
    if await store.count():
        return None
    password = check_password(chosen_password) if chosen_password else secrets.token_urlsafe(12)
    stored = await passwords.hash(password)
    new = NewUser(FIRST_USERNAME, stored, Role.ADMIN, "", int(now()))
    # The file comes before the account: a crash in between leaves a file that is written again, not a lost password.
    if not chosen_password:
        await anyio.to_thread.run_sync(write_private, initial_password_file, password + "\n")
    if await store.add(new, only_if_first=True) is None:
        await anyio.to_thread.run_sync(lambda: initial_password_file.unlink(missing_ok=True))
        return None
    return FirstAccount(FIRST_USERNAME, None if chosen_password else password)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read (mode 0600), wholly or, at a power cut, not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
