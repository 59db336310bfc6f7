"""The cookies of a browser that logs in."""

from fastapi import Request, Response

from lightnvr.api.client import is_https
from lightnvr.api.services import ApiServices

SESSION = "session"
TRUSTED_DEVICE = "trusted_device"
PENDING = "totp_pending"
"""A login by a form that waits for the code."""


def set_cookie(
    answer: Response, request: Request, services: ApiServices, name: str, value: str, lifetime_s: int
) -> None:
    """Put a cookie in an answer. Scripts cannot read it, and over TLS it is never sent without."""
    answer.set_cookie(
        name,
        value,
        max_age=lifetime_s,
        path="/",
        secure=is_https(request, services.options.trusted_proxies),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(answer: Response, request: Request, services: ApiServices, name: str) -> None:
    """Take a cookie back."""
    secure = is_https(request, services.options.trusted_proxies)
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
