"""Slows down the guessing of passwords, without letting a stranger lock a user out."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.accounts.model import TooManyAttempts

_REMEMBERED = 4096
_ADDRESS_FACTOR = 4
_LONGEST_WAIT_S = 3600.0
_MAX_DOUBLINGS = 12


@dataclass(frozen=True, slots=True)
class LimiterRules:
    """How many wrong passwords are allowed within how many seconds."""

    enabled: bool
    max_attempts: int
    window_s: float


@dataclass(slots=True)
class _Attempts:
    count: int
    since: float
    blocked_until: float = 0.0
    blocks: int = 0


class LoginLimiter:
    """Counts failed attempts by address and account, and by address alone.

    An account can be blocked only for the address the wrong passwords come from. Each block in a row is twice as long
    as the one before, up to an hour. The count by address alone, four times as patient, does not hold for an account
    that has logged in from there before. `clock` gives seconds and only goes forward. Kept in memory, bounded.
    `rules` may be replaced; who waits already goes on waiting.
    """

    def __init__(self, rules: LimiterRules, clock: Callable[[], float]) -> None:
        self.rules = rules
        self._clock = clock
        self._attempts: OrderedDict[tuple[str, str], _Attempts] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def charge(self, address: str, account: str) -> None:
        """Count an attempt before its password is looked at, so that attempts made at once all count.

        Raises TooManyAttempts when the attempt must wait.
        """
        self.refuse(address, account)
        now = self._clock()
        for key, limit in self._keys(address, account):
            self._count(key, limit, now)

    def refuse(self, address: str, account: str) -> None:
        """Raise TooManyAttempts when an attempt must wait. It is not counted."""
        now = self._clock()
        wait = max((self._wait(key, now) for key, _ in self._keys(address, account)), default=0.0)
        if wait > 0:
            raise TooManyAttempts(int(wait) + 1)

    def _keys(self, address: str, account: str) -> list[tuple[tuple[str, str], int]]:
        """Return what an attempt counts for, and how many are allowed; nothing when attempts are not limited."""
        if not self.rules.enabled:
            return []
        place = network_of(address)
        keys = [((place, account), self.rules.max_attempts)]
        if (place, account) not in self._known:
            keys.append(((place, ""), self.rules.max_attempts * _ADDRESS_FACTOR))
        return keys

    def succeeded(self, address: str, account: str) -> None:
        """Forget the attempts of this account from this address: one was right."""
        place = network_of(address)
        self._attempts.pop((place, account), None)
        total = self._attempts.get((place, ""))
        # What did not count cannot be taken back: an account of one's own would pay for guesses at those of others.
        if total is not None and total.count > 0 and (place, account) not in self._known:
            total.count -= 1
        self._known[place, account] = None
        self._known.move_to_end((place, account))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, account: str) -> bool:
        """Forget the failures of one account from all addresses. Returns whether there were any."""
        found = [key for key in self._attempts if account in key]
        for key in found:
            del self._attempts[key]
        return bool(found)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        attempts = self._attempts.get(key)
        return 0.0 if attempts is None else attempts.blocked_until - now

    def _count(self, key: tuple[str, str], limit: int, now: float) -> None:
        attempts = self._attempts.setdefault(key, _Attempts(0, now))
        self._attempts.move_to_end(key)
        while len(self._attempts) > _REMEMBERED:
            self._attempts.popitem(last=False)
        if now - max(attempts.since, attempts.blocked_until) > self.rules.window_s:
            attempts.count, attempts.since, attempts.blocks = 0, now, 0
        attempts.count += 1
        if attempts.count >= limit:
            wait = min(self.rules.window_s * 2 ** min(attempts.blocks, _MAX_DOUBLINGS), _LONGEST_WAIT_S)
            attempts.blocked_until = now + max(wait, self.rules.window_s)
            attempts.blocks += 1
            attempts.count, attempts.since = 0, attempts.blocked_until


def network_of(address: str) -> str:
    """Return what stands for an address. A household has a whole /64 of IPv6 addresses, so they count as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed if parsed.version == 4 else parsed.ipv4_mapped)
