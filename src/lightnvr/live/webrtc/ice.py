"""Our end of ICE (RFC 8445): the browser chooses the path; we answer, open routers to it and watch for its consent."""

import asyncio
import logging
import secrets
import socket
import string
from collections.abc import Callable, Sequence

from aioice import stun

from lightnvr.live.webrtc.datagrams import Path, SocketAddress, UdpPort
from lightnvr.live.webrtc.offer import RemoteCandidate

_CHECKS_AT_S = (0.0, 0.1, 0.3, 0.7, 1.5, 3.0, 6.0, 10.0)
"""Seconds after it became known at which an address is asked: routers need it to let the browser's requests in."""

_ANSWER_S = 10.0
_CONSENT_INTERVAL_S = 5.0
_CONSENT_S = 30.0
"""RFC 7675, section 5.1."""

_MAX_CANDIDATES = 32
_PEER_REFLEXIVE_PRIORITY = (110 << 24) + (65535 << 8) + 255
_ALPHABET = string.ascii_letters + string.digits

log = logging.getLogger(__name__)


class IceAgent:
    """The controlled agent of one viewer, always the one who answers. Belongs to the event loop.

    `path` is where to send; None until the browser has chosen one that answered us. `on_path` is called each time it
    is another one. `lost` is set when nobody at the other end wants packets any more.
    """

    def __init__(
        self,
        port: UdpPort,
        sockets: Sequence[socket.socket],
        *,
        remote_ufrag: str,
        remote_password: str,
        on_path: Callable[[Path], None],
        on_datagram: Callable[[bytes], None],
    ) -> None:
        self._port = port
        self._sockets = sockets
        self._remote_password = remote_password.encode()
        self._on_path = on_path
        self.datagram_received = on_datagram
        """See Endpoint."""
        self.ufrag = _random(8)
        self.password = _random(24)
        self._remote_ufrag = remote_ufrag
        self._tie_breaker = secrets.randbits(64)
        self._candidates: set[RemoteCandidate] = set()
        self._claimed: set[Path] = set()
        self._nominated: set[Path] = set()
        self._valid: set[Path] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._transactions: set[bytes] = set()
        self._consented_at = 0.0
        self.path: Path | None = None
        self.lost = asyncio.Event()
        port.register(self.ufrag, self)

    def add_candidates(self, candidates: Sequence[RemoteCandidate]) -> None:
        """Learn where the browser may be reached; more than a few are not looked at."""
        for candidate in candidates:
            if candidate in self._candidates or len(self._candidates) >= _MAX_CANDIDATES:
                continue
            self._candidates.add(candidate)
            for ours in self._sockets:
                if (remote := _reachable(ours, candidate)) is not None:
                    for delay_s in _CHECKS_AT_S:
                        self._later(delay_s, self._check_unless_settled, Path(ours, remote))

    def close(self) -> None:
        """Answer nothing more."""
        for timer in self._timers:
            timer.cancel()
        for transaction in self._transactions:
            self._port.give_up(transaction)
        self._port.forget(self.ufrag, self._claimed)
        self.path = None

    def stun_received(self, message: stun.Message, path: Path) -> None:
        """See Endpoint."""
        if message.message_method is not stun.Method.BINDING or not self._is_authentic(message):
            return
        if "ICE-CONTROLLED" in message.attributes:
            # Both would wait for the other to choose: who offered has to (RFC 8445, section 7.3.1.1).
            self._respond(message, path, error=(487, "Role Conflict"))
            return
        self._respond(message, path)
        if path not in self._claimed and len(self._claimed) < _MAX_CANDIDATES:
            self._claimed.add(path)
            self._port.claim(path, self)
            self._check(path)
        if "USE-CANDIDATE" in message.attributes and path in self._claimed:
            self._nominated.add(path)
            if path in self._valid:
                self._select(path)
            else:
                self._check(path)

    def _is_authentic(self, message: stun.Message) -> bool:
        username = str(message.attributes.get("USERNAME", ""))
        return username == f"{self.ufrag}:{self._remote_ufrag}" and message.check_message_integrity(
            self.password.encode()
        )

    def _respond(self, request: stun.Message, path: Path, error: tuple[int, str] | None = None) -> None:
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.ERROR if error else stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        if error:
            response.attributes["ERROR-CODE"] = error
        else:
            response.attributes["XOR-MAPPED-ADDRESS"] = path.remote[:2]
        response.add_message_integrity(self.password.encode())
        _send(path, bytes(response))

    def _check_unless_settled(self, path: Path) -> None:
        if self.path is None and path not in self._valid:
            self._check(path)

    def _check(self, path: Path) -> None:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._remote_ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = _PEER_REFLEXIVE_PRIORITY
        request.attributes["ICE-CONTROLLED"] = self._tie_breaker
        request.add_message_integrity(self._remote_password)
        transaction = request.transaction_id
        self._transactions.add(transaction)
        self._port.expect(transaction, self._answered)
        self._later(_ANSWER_S, self._give_up, transaction)
        _send(path, bytes(request))

    def _give_up(self, transaction: bytes) -> None:
        self._transactions.discard(transaction)
        self._port.give_up(transaction)

    def _answered(self, message: stun.Message, path: Path) -> None:
        self._transactions.discard(message.transaction_id)
        if message.message_class is not stun.Class.RESPONSE or not message.check_message_integrity(
            self._remote_password
        ):
            return
        self._valid.add(path)
        if path == self.path:
            self._consented_at = asyncio.get_running_loop().time()
        elif path in self._nominated:
            self._select(path)

    def _select(self, path: Path) -> None:
        if path == self.path:
            return
        is_first = self.path is None
        self.path = path
        self._consented_at = asyncio.get_running_loop().time()
        if is_first:
            self._later(_CONSENT_INTERVAL_S, self._watch_consent)
        self._on_path(path)

    def _watch_consent(self) -> None:
        if self.path is None:
            return
        if asyncio.get_running_loop().time() - self._consented_at > _CONSENT_S:
            self.lost.set()
            return
        self._check(self.path)
        self._later(_CONSENT_INTERVAL_S, self._watch_consent)

    def _later(self, delay_s: float, what: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            self._timers.discard(timer)
            what(*arguments)

        timer = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(timer)


def _reachable(ours: socket.socket, candidate: RemoteCandidate) -> SocketAddress | None:
    if (ours.family == socket.AF_INET6) != (":" in candidate.host):
        return None
    return (candidate.host, candidate.port, 0, 0) if ":" in candidate.host else (candidate.host, candidate.port)


def _send(path: Path, datagram: bytes) -> None:
    try:
        path.socket.sendto(datagram, path.remote)
    except OSError as error:
        # No route to this address, or no room at this moment: other addresses and repetitions are there for that.
        log.debug("cannot send to %s: %s", path.remote, error)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
