"""Who may use LightNVR: users, their roles, and what goes wrong with them."""

from dataclasses import dataclass
from enum import IntEnum

MAX_PASSWORD_BYTES = 1024
MIN_PASSWORD_BYTES = 8
MIN_USERNAME_BYTES = 3
MAX_USERNAME_BYTES = 32


class Role(IntEnum):
    """What a user may do. The numbers are part of the API."""

    ADMIN = 0
    USER = 1
    VIEWER = 2
    API = 3

    @property
    def may_write(self) -> bool:
        """Whether this role may change streams and recordings."""
        return self is not Role.VIEWER


@dataclass(frozen=True, slots=True)
class User:
    """One account, without its secrets. Times are seconds since 1970 UTC; 0 is never."""

    id: int
    username: str
    role: Role
    email: str
    is_active: bool
    api_key_prefix: str
    created_at: int
    updated_at: int
    last_login: int


class UserNotFound(LookupError):
    """There is no account with this name."""


class DuplicateUsername(Exception):
    """There is an account with this name already."""


class InvalidAccount(ValueError):
    """A user name or password is not acceptable; the text says why."""


class LastAdministrator(Exception):
    """The last administrator cannot be removed, for nobody could add another."""


class TooManyAttempts(Exception):
    """Passwords were guessed too often. The next attempt is allowed after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many login attempts. Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


def check_username(username: str) -> str:
    """Return the name when it can be one: 3 to 32 bytes, printable, no colon (Basic authentication ends it there)."""
    if not MIN_USERNAME_BYTES <= len(_utf8(username)) <= MAX_USERNAME_BYTES:
        raise InvalidAccount(f"A user name has {MIN_USERNAME_BYTES} to {MAX_USERNAME_BYTES} bytes.")
    if not username.isprintable() or ":" in username or username != username.strip():
        raise InvalidAccount("A user name has no control characters, no colon, and no blanks around it.")
    return username


def check_password(password: str) -> str:
    """Return the password when it is long enough to be one."""
    if not MIN_PASSWORD_BYTES <= len(_utf8(password)) <= MAX_PASSWORD_BYTES:
        raise InvalidAccount(f"A password has {MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES} bytes.")
    return password


def is_plausible(username: str, password: str) -> bool:
    """Whether these can belong to any account; what cannot is not looked up."""
    try:
        return (
            0 < len(username.encode()) <= MAX_USERNAME_BYTES
            and "\x00" not in username
            and len(password.encode()) <= MAX_PASSWORD_BYTES
        )
    except UnicodeEncodeError:
        return False


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidAccount("User names and passwords are text that UTF-8 can hold.") from None
