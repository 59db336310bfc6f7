"""The address of a camera, with its credentials kept apart so that they cannot leak into a log."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https")
"""What a camera may be reached by. Anything else (file, concat, pipe...) would open the server's own files."""

MASK = "********"
"""Stands for a password that is known to the server and not shown."""

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "http": 80, "https": 443}
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")
_PASSWORD_IN_PATH = re.compile(r"(?i)((?:password|passwd|passw|pass|pwd|token)=)[^&/?#]*")
"""Some cameras want their password there: `/user=admin&password=secret&channel=1`, `?usr=admin&pwd=secret`."""


class InvalidSourceAddress(ValueError):
    """The text is not the address of a camera. The message says why, without credentials."""


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Where a camera is reached.

    `path` begins with `/` or `?`, or is empty, and is kept as it was typed. `username` and `password` are decoded.
    `str()` gives the redacted form, so an address can be logged as it is.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "SourceAddress":
        """Read an address such as `rtsp://user:p@ss:word@host:554/stream`.

        Cameras have passwords with `@`, `:` and `%` in them and people paste them unescaped, so the user name ends at
        the first colon, the password at the last `@` before the path, and a `%` that begins no valid escape makes the
        whole password literal (RFC 3986 section 2.1 otherwise). Raises InvalidSourceAddress.
        """
        text = text.strip()
        scheme, separator, rest = text.partition("://")
        scheme = scheme.lower()
        if not separator or scheme not in SCHEMES:
            raise InvalidSourceAddress(f"the address must begin with one of {', '.join(s + '://' for s in SCHEMES)}")
        authority, path = _split_authority(rest)
        userinfo, at, hostport = authority.rpartition("@")
        host, port = _split_host(hostport)
        if _FORBIDDEN.search(host + path):
            raise InvalidSourceAddress("the address holds a blank or a control character")
        username, _, password = userinfo.partition(":") if at else ("", "", "")
        username, password = _decode(username), _decode(password)
        if _FORBIDDEN.sub("", username) != username or re.search(r"[\x00-\x1f\x7f]", password):
            raise InvalidSourceAddress("the user name or password holds a control character")
        return cls(scheme, host, port, path, username, password)

    @property
    def effective_port(self) -> int:
        """The TCP port that is connected to."""
        return self.port if self.port is not None else _DEFAULT_PORTS[self.scheme]

    @property
    def shown_path(self) -> str:
        """The path, with a mask in place of a password in it."""
        return _PASSWORD_IN_PATH.sub(rf"\g<1>{MASK}", self.path)

    def with_credentials(self, username: str, password: str) -> "SourceAddress":
        """The same place with these credentials instead of its own."""
        return replace(self, username=username, password=password)

    def without_credentials(self) -> str:
        """The address without user name and password; the path is as it was typed."""
        return self._join("")

    def redacted(self) -> str:
        """The address without user name and password, those in its path masked: what is logged."""
        return replace(self, path=self.shown_path).without_credentials()

    def masked(self) -> str:
        """The address with its user name, and a mask instead of the password: what an editor sees."""
        if not self.username and not self.password:
            return self._join("")
        return self._join(quote(self.username, safe="") + (f":{MASK}" if self.password else "") + "@")

    def with_secret(self) -> str:
        """The address as FFmpeg wants it, credentials percent-encoded. Never log this."""
        if not self.username and not self.password:
            return self._join("")
        password = f":{quote(self.password, safe='')}" if self.password else ""
        return self._join(quote(self.username, safe="") + password + "@")

    def scrub(self, text: str) -> str:
        """Remove this address's secrets from a message of a library."""
        text = text.replace(self.with_secret(), self.redacted()).replace(self.path or "/", self.shown_path or "/")
        for secret in (self.password, quote(self.password, safe="")):
            if secret:
                text = text.replace(secret, MASK)
        return text

    def __str__(self) -> str:
        return self.redacted()

    def _join(self, userinfo: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{userinfo}{host}{port}{self.path}"


def _split_authority(rest: str) -> tuple[str, str]:
    # An unescaped "/" or "?" in a password cannot be told from the path, except when an "@" that is followed by a
    # host comes later and what precedes the first "/" holds no host: that is left to the user to escape.
    end = len(rest)
    for stop in "/?#":
        found = rest.find(stop)
        if found != -1:
            end = min(end, found)
    return rest[:end], rest[end:]


def _split_host(hostport: str) -> tuple[str, int | None]:
    if hostport.startswith("["):
        host, bracket, tail = hostport[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise InvalidSourceAddress("the IPv6 host must stand in square brackets")
        digits = tail[1:]
    else:
        host, _, digits = hostport.partition(":")
    if not host:
        raise InvalidSourceAddress("the address names no host")
    if re.search(r"[^A-Za-z0-9._:%~-]", host) and not host.isalnum() and not _is_international(host):
        raise InvalidSourceAddress("the host name holds a character that no host name has")
    if not digits:
        return host, None
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= 65535:
        raise InvalidSourceAddress("the port must be a number from 1 to 65535")
    return host, int(digits)


def _is_international(host: str) -> bool:
    if re.search(r"[^A-Za-z0-9._~\x80-\U0010ffff-]", host):
        return False
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _decode(text: str) -> str:
    return text if _BROKEN_ESCAPE.search(text) else unquote(text)
