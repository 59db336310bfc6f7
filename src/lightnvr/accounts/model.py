"""Who may use LightNVR: users, their roles, and what goes wrong with them."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from lightnvr.accounts.networks import holds

MAX_PASSWORD_BYTES = 1024
MIN_PASSWORD_BYTES = 8
MIN_USERNAME_BYTES = 3
MAX_USERNAME_BYTES = 32
MAX_TAGS_BYTES = 255


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


class Right(StrEnum):
    """What a user does with the streams that they may see."""

    LIVE = "live"
    LISTEN = "listen"
    """To hear the sound of what is watched, played, exported or downloaded; without it all of that is silent."""
    PLAYBACK = "playback"
    EXPORT = "export"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class User:
    """One account, without its secrets. Times are seconds since 1970 UTC; 0 is never.

    `allowed_tags` are separated by commas; empty is no restriction. `allowed_login_cidrs` are networks, one a line;
    empty is every address. `allowed_actions` are rights, separated by commas; empty is all that the role has.
    """

    id: int
    username: str
    role: Role
    email: str
    is_active: bool
    api_key_prefix: str
    created_at: int
    updated_at: int
    last_login: int
    password_change_locked: bool = False
    totp_enabled: bool = False
    allowed_tags: str = ""
    allowed_login_cidrs: str = ""
    allowed_actions: str = ""

    def may(self, right: Right) -> bool:
        """Whether this user has a right, as far as the role does not forbid it."""
        return not self.allowed_actions or right.value in self.allowed_actions.split(",")

    def may_see(self, tags: str) -> bool:
        """Whether this user may see a stream with these tags, separated by commas.

        A user without `allowed_tags` sees every stream; others see those that share a tag with them, in the same case.
        """
        return not self.allowed_tags or not _tags(self.allowed_tags).isdisjoint(_tags(tags))

    def may_come_from(self, address: str) -> bool:
        """Whether this user may use the server from this IP address."""
        return not self.allowed_login_cidrs or holds(self.allowed_login_cidrs, address)


def _tags(text: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in text.split(",") if tag.strip())


class UserNotFound(LookupError):
    """There is no account with this name."""


class DuplicateUsername(Exception):
    """There is an account with this name already."""


class InvalidAccount(ValueError):
    """A user name or password is not acceptable; the text says why."""


class LastAdministrator(Exception):
    """The last administrator cannot be removed, nor be anything else, for nobody could add another."""

    def __init__(self) -> None:
        super().__init__("Cannot delete the last admin user, nor take the role or the login from it.")


class PasswordLocked(Exception):
    """The password of this account must not be changed."""


class AccountChanged(Exception):
    """The account was changed, or is gone, since the password was found to be right: it opens no session."""


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


def check_tags(tags: str) -> str:
    """Return tags, separated by commas, without the blanks around them and without empty ones."""
    found = ",".join(tag.strip() for tag in tags.split(",") if tag.strip())
    if len(_utf8(found)) > MAX_TAGS_BYTES or not found.isprintable():
        raise InvalidAccount(f"allowed_tags has at most {MAX_TAGS_BYTES} bytes and no control characters.")
    return found


def check_actions(actions: str) -> str:
    """Return rights, separated by commas, in their order. None at all cannot be asked for: that is an inactive user."""
    asked = {action.strip() for action in actions.split(",") if action.strip()}
    known = [right.value for right in Right]
    if not asked <= set(known):
        raise InvalidAccount(f"allowed_actions are of {', '.join(known)}, separated by commas.")
    return ",".join(action for action in known if action in asked)
