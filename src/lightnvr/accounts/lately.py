"""Who was let in a moment ago, so that a player that asks six times a second costs few look-ups."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from lightnvr.accounts.admission import Admission

_REMEMBERED = 1024


class Moment(NamedTuple):
    """When something was looked up: the second since 1970 UTC, and how many changes there had been."""

    second: int
    changes: int


class LatelyAdmitted:
    """A bounded memory of credentials and what they admitted to, until the second is over.

    Holds keyed digests only, never credentials. Whatever this process changes in accounts or sessions ends all of it
    at once; what another process changes, as `lightnvr user` does, and what expires, is seen with the next second.
    """

    def __init__(self, changes: Callable[[], int], now: Callable[[], float]) -> None:
        """`changes` counts the changes of accounts and sessions, `now` gives seconds since 1970 UTC."""
        self._changes = changes
        self._now = now
        self._key = secrets.token_bytes(32)
        self._admitted: OrderedDict[bytes, tuple[Moment, Admission]] = OrderedDict()

    def digest(self, *credentials: str) -> bytes:
        """Return what `find` and `remember` take."""
        return hmac.digest(self._key, repr(credentials).encode(), hashlib.sha256)

    def moment(self) -> Moment:
        """Return the present. To be asked for before anything is looked up."""
        return Moment(int(self._now()), self._changes())

    def find(self, digest: bytes, moment: Moment) -> Admission | None:
        """Return what these credentials admitted to at this very moment, None when that is not known."""
        found = self._admitted.get(digest)
        return None if found is None or found[0] != moment else found[1]

    def remember(self, digest: bytes, moment: Moment, admission: Admission) -> None:
        """Keep what was looked up at this moment."""
        self._admitted[digest] = moment, admission
        self._admitted.move_to_end(digest)
        while len(self._admitted) > _REMEMBERED:
            self._admitted.popitem(last=False)
