"""An authenticator app: reads the secret of a setup and shows codes."""

from collections.abc import Callable

import httpx
import pyotp


class Authenticator:
    """Shows the code of the present time, which `now` gives in seconds since 1970 UTC."""

    def __init__(self, secret: str, now: Callable[[], float]) -> None:
        self._totp = pyotp.TOTP(secret)
        self._now = now

    def code(self, steps: int = 0) -> str:
        """Return the code of now, or of so many half minutes later."""
        return self._totp.at(int(self._now()) + 30 * steps)

    def wrong(self) -> str:
        """Return a code that is of no time near now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)


def enrol(
    client: httpx.Client, user_id: int, now: Callable[[], float], password: str = ""
) -> tuple[Authenticator, list[str]]:
    """Give a user an authenticator as the page does; return it, and the recovery codes.

    Whoever does so for themselves and did not log in just now has to give the `password`.
    """
    proof = {"password": password} if password else {}
    made = client.post(f"/api/auth/users/{user_id}/totp/setup", json=proof).raise_for_status().json()
    app = Authenticator(made["secret"], now)
    verified = client.post(f"/api/auth/users/{user_id}/totp/verify", json={"code": app.code()}).raise_for_status()
    codes: list[str] = verified.json()["recovery_codes"]
    return app, codes
