"""/api/auth/users/{id}/totp: the second factor of an account."""

import io
from typing import Literal

import anyio.to_thread
import segno
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.admission import Admission, ProofKind
from lightnvr.accounts.model import User
from lightnvr.accounts.second_factor import NotSetUp, WrongCode
from lightnvr.accounts.tokens import token_hash
from lightnvr.api.access import GuardedRoute, Owner
from lightnvr.api.answers import json_answer
from lightnvr.api.client import client_address
from lightnvr.api.cookies import SESSION
from lightnvr.api.errors import declared, error_answer
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.users import UserId
from lightnvr.api.validation import BadRequest

router = APIRouter(prefix="/api/auth/users/{id}/totp", tags=["Users"], route_class=GuardedRoute)

_QR_SCALE = 4
_LATELY_S = 900
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - an example


class ProofBody(BaseModel):
    """What shows that the owner asks: the password or a code. Administrators need none for other accounts."""

    model_config = ConfigDict(title="Proof", json_schema_extra={"example": {"password": "a long secret"}})

    password: str = Field("", max_length=4096, description="The password of the account.")
    code: str = Field("", max_length=64, description="A code of the authenticator that is in force, or for recovery.")


class VerifyBody(BaseModel):
    """A code of the new authenticator."""

    model_config = ConfigDict(title="TotpCode", json_schema_extra={"example": {"code": "123456"}})

    code: str = Field(max_length=64, description="Six digits.")


class TotpSetup(BaseModel):
    """A new secret, which is in force once a code of it was verified."""

    success: Literal[True] = True
    secret: str = Field(examples=[_SECRET])
    otpauth_uri: str = Field(
        examples=[f"otpauth://totp/LightNVR:admin?secret={_SECRET}&issuer=LightNVR&algorithm=SHA1&digits=6&period=30"]
    )
    qr_svg: str = Field(examples=["<svg>...</svg>"], description="The same as a QR code, an SVG document.")
    message: str = "Scan the QR code with your authenticator, then verify a code of it."


class RecoveryCodes(BaseModel):
    """Codes that stand in for the authenticator, each once. They are shown this once."""

    success: Literal[True] = True
    recovery_codes: list[str] = Field(examples=[["ABCD-EFGH-JKMN-PQRS"]])


class TotpEnabled(RecoveryCodes):
    """The authenticator is in force."""

    message: Literal["TOTP MFA enabled successfully"] = "TOTP MFA enabled successfully"


class TotpDisabled(BaseModel):
    """No code is asked for any more."""

    success: Literal[True] = True
    message: Literal["TOTP MFA disabled successfully"] = "TOTP MFA disabled successfully"


class TotpStatus(BaseModel):
    """Whether a code is asked for."""

    totp_enabled: bool = Field(description="Asked for at login.")
    totp_configured: bool = Field(description="A secret is there, in force or not yet.")
    recovery_codes_left: int = Field(examples=[10])


@router.post(
    "/setup",
    response_model=TotpSetup,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Set up an authenticator",
)
async def set_up(
    user_id: UserId, request: Request, services: Services, caller: Owner, body: ProofBody | None = None
) -> Response:
    """Makes a new secret. One that is in force stays so until a code of the new one is verified.

    To replace the own one that is in force, the password or a code of it is needed. For the first one the password is
    needed only when the login was longer than 15 minutes ago, or was none: with an API key.
    """
    if caller.id == user_id:
        is_proved = bool(body and (body.password or body.code))
        is_first = not (await services.second_factor.status(user_id)).enabled
        if is_proved or not (is_first and await _came_lately(request, services, caller)):
            refused = await _refuse_unproved(request, services, caller, body)
            if refused is not None:
                return refused
    new = await services.second_factor.set_up(user_id)
    picture = await anyio.to_thread.run_sync(_qr_code, new.uri)
    return json_answer(TotpSetup(secret=new.secret, otpauth_uri=new.uri, qr_svg=picture))


@router.post(
    "/verify",
    response_model=TotpEnabled,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Verify an authenticator",
)
async def verify(user_id: UserId, body: VerifyBody, request: Request, services: Services, _caller: Owner) -> Response:
    """Puts the new secret in force when the code is one of it, and ends the other sessions of the user."""
    try:
        codes = await services.second_factor.enable(user_id, body.code, kept_session=_session_hash(request))
    except NotSetUp:
        raise BadRequest("TOTP not set up for this user. Run setup first.") from None
    except WrongCode:
        return error_answer(401, "Invalid TOTP code")
    return json_answer(TotpEnabled(recovery_codes=list(codes)))


@router.post(
    "/disable",
    response_model=TotpDisabled,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Remove an authenticator",
)
async def disable(
    user_id: UserId, request: Request, services: Services, caller: Owner, body: ProofBody | None = None
) -> Response:
    """Forgets the secret and the recovery codes, and ends the other sessions of the user.

    For the own account the password or a code is needed.
    """
    if caller.id == user_id:
        refused = await _refuse_unproved(request, services, caller, body)
        if refused is not None:
            return refused
    await services.second_factor.disable(user_id, kept_session=_session_hash(request))
    return json_answer(TotpDisabled())


@router.get(
    "/status",
    response_model=TotpStatus,
    responses=declared(400, 401, 403, 404, 429),
    summary="Ask whether there is an authenticator",
)
async def status(user_id: UserId, services: Services, _caller: Owner) -> Response:
    """Whether a code is asked for at login."""
    found = await services.second_factor.status(user_id)
    answer = TotpStatus(
        totp_enabled=found.enabled, totp_configured=found.configured, recovery_codes_left=found.recovery_codes
    )
    return json_answer(answer)


@router.post(
    "/recovery-codes",
    response_model=RecoveryCodes,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Make new recovery codes",
)
async def renew_recovery_codes(
    user_id: UserId, request: Request, services: Services, caller: Owner, body: ProofBody | None = None
) -> Response:
    """Makes ten new recovery codes; those before are void. For the own account the password or a code is needed."""
    if caller.id == user_id:
        refused = await _refuse_unproved(request, services, caller, body)
        if refused is not None:
            return refused
    try:
        codes = await services.second_factor.renew_recovery_codes(user_id)
    except NotSetUp:
        raise BadRequest("TOTP not set up for this user. Run setup first.") from None
    return json_answer(RecoveryCodes(recovery_codes=list(codes)))


async def _came_lately(request: Request, services: ApiServices, caller: User) -> bool:
    """Whether the caller gave the password just now, so that a session or a key that was stolen is not enough."""
    admission: Admission = request.state.admission
    if admission.proof.kind is not ProofKind.SESSION:
        return admission.proof.kind is not ProofKind.API_KEY
    own = admission.proof.secret_hash
    since = [each.created_at for each in await services.presence.sessions(caller.id) if each.token_hash == own]
    return any(services.now() - created_at <= _LATELY_S for created_at in since)


async def _refuse_unproved(
    request: Request, services: ApiServices, caller: User, body: ProofBody | None
) -> Response | None:
    proof = body or ProofBody()
    address = client_address(request, services.options.trusted_proxies)
    if proof.code:
        if await services.second_factor.accepts(caller.id, proof.code):
            return None
        return error_answer(401, "Invalid TOTP code")
    if not proof.password:
        raise BadRequest("Send the password, or a code of the authenticator, to do this with your own account.")
    if await services.logins.confirm(caller.id, proof.password, address):
        return None
    return error_answer(401, "Current password is incorrect")


def _session_hash(request: Request) -> str:
    token = request.cookies.get(SESSION, "")
    return token_hash(token) if token else ""


def _qr_code(text: str) -> str:
    picture = io.BytesIO()
    # No inline style and no script in it: the pages' content security policy would stop them.
    segno.make(text, error="m").save(picture, kind="svg", scale=_QR_SCALE, xmldecl=False, nl=False, light="#fff")
    return picture.getvalue().decode()
