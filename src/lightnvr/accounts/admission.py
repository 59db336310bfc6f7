"""What a caller was let in with, so that a long connection can be ended when it is no longer good."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from lightnvr.accounts.model import Right, User
from lightnvr.accounts.store import AccountSecrets, AccountStore
from lightnvr.accounts.tokens import token_hash


class ProofKind(StrEnum):
    """How a caller proved who they are."""

    NONE = "none"
    """Authentication is switched off."""
    SESSION = "session"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    API_KEY = "api_key"
    PROXY = "proxy"
    """A reverse proxy that is trusted said so."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What to look up to see whether an admission still holds.

    `secret_hash` is the hash of the session's token or of the API key, `password_mark` stands for the password and
    the restrictions that the account had at the time; neither gives the secret away.
    """

    kind: ProofKind
    user_id: int
    secret_hash: str = ""
    password_mark: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller who was let in. `stream_id` is set when the admission is for this one stream only."""

    user: User
    proof: Proof
    stream_id: int | None = None

    @property
    def may_watch(self) -> bool:
        """Whether this caller may watch streams live, of those that they may see."""
        return self.user.may(Right.LIVE)

    @property
    def may_listen(self) -> bool:
        """Whether this caller may hear the sound of what they watch."""
        return self.user.may(Right.LISTEN)


class Standing:
    """Tells which admissions still hold.

    A log-out, a new password, another API key, other restrictions, deactivation or deletion end them.
    """

    def __init__(self, store: AccountStore, now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970 UTC."""
        self._store = store
        self._now = now

    async def prove(self, kind: ProofKind, user: User, secret_hash: str = "") -> Proof:
        """Return the proof for somebody who was just let in."""
        if kind is ProofKind.NONE:
            return Proof(kind, user.id)
        secrets = (await self._store.secrets_of([user.id])).get(user.id)
        return Proof(kind, user.id, secret_hash, "" if secrets is None else _mark(secrets))

    async def lapsed(self, proofs: Iterable[Proof]) -> set[Proof]:
        """Return those that do not hold any more."""
        asked = {proof for proof in proofs if proof.kind is not ProofKind.NONE}
        if not asked:
            return set()
        users = await self._store.secrets_of({proof.user_id for proof in asked})
        sessions = await self._store.live_sessions(
            {proof.secret_hash for proof in asked if proof.kind is ProofKind.SESSION}, int(self._now())
        )
        gone = set()
        for proof in asked:
            account = users.get(proof.user_id)
            holds = account is not None and _mark(account) == proof.password_mark
            if proof.kind is ProofKind.SESSION:
                holds = holds and proof.secret_hash in sessions
            elif proof.kind is ProofKind.API_KEY:
                holds = holds and account is not None and proof.secret_hash == account.api_key_hash
            if not holds:
                gone.add(proof)
        if gone:
            # Perhaps by another process, which tells nobody.
            self._store.changes += 1
        return gone


def _mark(account: AccountSecrets) -> str:
    # Whose restrictions change has to be let in anew, with those in force then.
    return token_hash(f"{account.password_hash}\0{account.limits}")[:16]
