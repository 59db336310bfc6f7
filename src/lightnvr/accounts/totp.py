"""One-time passwords by the clock (RFC 6238): six digits, SHA-1, half a minute each."""

import hmac
import secrets
from urllib.parse import quote

import pyotp

STEP_S = 30
_DRIFT_STEPS = 1
_SECRET_CHARACTERS = 32
_RECOVERY_CODES = 10
_RECOVERY_GROUPS = 4
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without what looks alike: I, L, O, U, 0, 1."""


def new_secret() -> str:
    """Return 20 random bytes in Base32, which is what authenticators take."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def provisioning_uri(secret: str, username: str) -> str:
    """Return what an authenticator reads from a QR code (the Key Uri Format of Google Authenticator)."""
    return (
        f"otpauth://totp/LightNVR:{quote(username, safe='')}?secret={secret}&issuer=LightNVR"
        f"&algorithm=SHA1&digits=6&period={STEP_S}"
    )


def matching_step(secret: str, code: str, now: float) -> int | None:
    """Return the step of time that a code is of, None when it is of none that is accepted now.

    A step before and one after are, for clocks that are a little off. `now` is in seconds since 1970 UTC.
    """
    present = int(now) // STEP_S
    generator = pyotp.HOTP(secret)
    found = None
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.at(step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def new_recovery_codes() -> tuple[str, ...]:
    """Return codes that stand in for the authenticator, each once: four groups of four characters, 78 bits."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_RECOVERY_GROUPS))
        for _ in range(_RECOVERY_CODES)
    )


def canonical(recovery_code: str) -> str:
    """Return a recovery code as it was given out, however it was typed."""
    letters = "".join(c for c in recovery_code.upper() if c.isascii() and c.isalnum())
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
