"""Tickets: signed, expiring admissions to one stream, for players that can send neither cookies nor headers."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable

from lightnvr.accounts.admission import Admission, Proof, ProofKind, Standing
from lightnvr.accounts.store import AccountStore

_SIGNATURE_BYTES = 16
_LONGEST = 1024
MIN_TICKET_S = 10
MAX_TICKET_S = 86_400


class Tickets:
    """Issues and checks tickets. Nothing is stored: a ticket holds what it is good for, signed with HMAC-SHA256.

    A ticket ends with its time, and with what its owner was let in with when it was issued (see Standing).
    """

    def __init__(self, key: bytes, store: AccountStore, standing: Standing, now: Callable[[], float]) -> None:
        """`key` is secret and lasts beyond a restart; `now` gives seconds since 1970 UTC."""
        self._key = key
        self._store = store
        self._standing = standing
        self._now = now

    def issue(self, admission: Admission, stream_id: int, lifetime_s: int) -> tuple[str, int]:
        """Return a ticket for one stream and when it expires, in seconds since 1970 UTC."""
        expires = int(self._now()) + lifetime_s
        proof = admission.proof
        claims = [stream_id, expires, proof.kind.value, proof.user_id, proof.secret_hash, proof.password_mark]
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(payload) + payload).rstrip(b"=").decode(), expires

    async def admission(self, ticket: str) -> Admission | None:
        """Return what a ticket admits to, None when it is not genuine, has expired or was revoked."""
        if not ticket or len(ticket) > _LONGEST or not ticket.isascii():
            return None
        try:
            raw = base64.b64decode(ticket + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        payload = raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(raw[:_SIGNATURE_BYTES], self._signature(payload)):
            return None
        stream_id, expires, kind, user_id, secret_hash, password_mark = json.loads(payload)
        if expires <= self._now():
            return None
        proof = Proof(ProofKind(kind), user_id, secret_hash, password_mark)
        user = await self._store.by_id(user_id)
        if user is None or not user.is_active or await self._standing.lapsed([proof]):
            return None
        return Admission(user, proof, stream_id)

    def _signature(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)[:_SIGNATURE_BYTES]
