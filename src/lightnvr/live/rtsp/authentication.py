"""Who may watch: Basic and Digest authentication (RFC 2617, RFC 7616)."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from lightnvr.live.rtsp.messages import Request

_NONCE_SECONDS = 3600
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class Authenticator(Protocol):
    """Decides about requests that describe, set up or play a mount."""

    async def allows(self, request: Request) -> bool:
        """Whether the request comes from somebody who may do it."""
        ...

    def challenges(self) -> tuple[str, ...]:
        """Values for `WWW-Authenticate`, best first."""
        ...


class BasicAuthenticator:
    """User and password in clear text, checked by a callable such as the server's own accounts."""

    def __init__(self, check: Callable[[str, str], Awaitable[bool]], *, realm: str = "LightNVR") -> None:
        self._check = check
        self._realm = realm

    async def allows(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return bool(colon) and await self._check(user, password)

    def challenges(self) -> tuple[str, ...]:
        return (f'Basic realm="{self._realm}"',)


class DigestAuthenticator:
    """MD5 digests for users whose passwords are known here, as in cameras. Nonces are signed, so none is stored."""

    def __init__(
        self,
        passwords: Mapping[str, str],
        *,
        realm: str = "LightNVR",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._passwords = dict(passwords)
        self._realm = realm
        self._clock = clock
        self._key = secrets.token_bytes(16)

    async def allows(self, request: Request) -> bool:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "digest":
            return False
        given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        password = self._passwords.get(given.get("username", ""))
        if password is None or given.get("realm") != self._realm or given.get("uri") != request.url:
            return False
        if not self._is_fresh(given.get("nonce", "")):
            return False
        return hmac.compare_digest(self._expected(request.method, given, password), given.get("response", ""))

    def challenges(self) -> tuple[str, ...]:
        return (f'Digest realm="{self._realm}", nonce="{self._nonce(int(self._clock()))}", algorithm=MD5',)

    def _expected(self, method: str, given: Mapping[str, str], password: str) -> str:
        account = _md5(f"{given['username']}:{self._realm}:{password}")
        action = _md5(f"{method}:{given['uri']}")
        if given.get("qop") == "auth":
            return _md5(
                ":".join((account, given["nonce"], given.get("nc", ""), given.get("cnonce", ""), "auth", action))
            )
        return _md5(f"{account}:{given['nonce']}:{action}")

    def _nonce(self, moment: int) -> str:
        stamp = f"{moment:x}"
        return f"{stamp}-{hmac.new(self._key, stamp.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _is_fresh(self, nonce: str) -> bool:
        stamp = nonce.partition("-")[0]
        try:
            moment = int(stamp, 16)
        except ValueError:
            return False
        return self._clock() - moment < _NONCE_SECONDS and hmac.compare_digest(
            self._nonce(moment).encode(), nonce.encode()
        )


def _md5(text: str) -> str:
    # The algorithm is what RTSP 1.0 clients can do; it protects the password from a casual look, no more.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
