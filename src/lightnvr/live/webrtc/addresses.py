"""At which addresses browsers can reach us."""

import asyncio
import logging
import socket
from collections.abc import Callable

from aioice import stun

from lightnvr.live.webrtc.answer import LocalCandidate
from lightnvr.live.webrtc.datagrams import Path, UdpPort, host_addresses

_FIRST_ANSWER_S = 1.0
_KEEP_S = 60.0
_REPEAT_AT_S = (0.0, 0.2, 0.5)
_DEFAULT_STUN_PORT = 3478

log = logging.getLogger(__name__)


class Addresses:
    """Finds the candidates for an answer. Belongs to the event loop.

    `external` are addresses that a router forwards to us, `stun_server` is host:port or empty. Its answer is kept for
    a minute, and so is that it does not answer: only the first viewer from another network waits for it, and at most a
    second.
    """

    def __init__(
        self,
        port: UdpPort,
        *,
        external: tuple[str, ...] = (),
        stun_server: str = "",
        hosts: Callable[[], list[str]] = host_addresses,
    ) -> None:
        self._port = port
        self._external = external
        self._stun_server = stun_server
        self._hosts = hosts
        self._public: tuple[str, int] | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def take_stun_server(self, server: str) -> None:
        """Ask another server from now on; what the one before said is forgotten."""
        if server != self._stun_server:
            self._stun_server = server
            self._public = self._asked_at = None
            self.close()

    async def local(self, reached_at: str) -> list[str]:
        """Return the addresses to listen on. `reached_at` is where the browser's request came in: it works there."""
        hosts = await asyncio.to_thread(self._hosts)
        usable = reached_at and not reached_at.startswith(("0.", "::ffff:")) and "%" not in reached_at
        return list(dict.fromkeys((*((reached_at,) if usable else ()), *hosts)))

    async def candidates(self, local: list[str], *, waits: bool) -> list[LocalCandidate]:
        """Return the candidates, the best first. `waits` is whether the STUN server's answer is worth a second."""
        sockets = {str(made.getsockname()[0]): made for made in self._port.open(local)}
        found = [
            LocalCandidate(host, self._port.port, 65535 - number)
            for number, host in enumerate(host for host in local if host in sockets)
        ]
        base = next((candidate.host for candidate in found if ":" not in candidate.host), "")
        behind = [(host, self._port.port) for host in self._external]
        if not behind and self._stun_server and base:
            await self._ask(sockets[base], waits=waits)
            behind = [self._public] if self._public else []
        known = {(candidate.host, candidate.port) for candidate in found}
        for number, (host, port) in enumerate(address for address in behind if address not in known):
            found.append(LocalCandidate(host, port, 32767 - number, base or found[0].host))
        return found

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, ours: socket.socket, *, waits: bool) -> None:
        now = asyncio.get_running_loop().time()
        if self._asked_at is None or now - self._asked_at >= _KEEP_S:
            self._asked_at = now
            self._asking = asyncio.create_task(self._learn(ours), name="webrtc stun")
        if waits and self._public is None and self._asking is not None:
            await asyncio.wait([self._asking], timeout=max(0.0, self._asked_at + _FIRST_ANSWER_S - now))

    async def _learn(self, ours: socket.socket) -> None:
        host, _, port = self._stun_server.removeprefix("stun:").partition(":")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                host, int(port or _DEFAULT_STUN_PORT), family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
        except (OSError, ValueError) as error:
            log.info("the STUN server %s is not known: %s", self._stun_server, error)
            return
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        answered: asyncio.Future[tuple[str, int] | None] = loop.create_future()

        def take(message: stun.Message, _path: Path) -> None:
            if not answered.done():
                answered.set_result(message.attributes.get("XOR-MAPPED-ADDRESS"))

        self._port.expect(request.transaction_id, take)
        try:
            self._public = await self._answer(ours, bytes(request), found[0][4][:2], answered)
        finally:
            self._port.give_up(request.transaction_id)

    async def _answer(
        self,
        ours: socket.socket,
        request: bytes,
        server: tuple[object, ...],
        answered: "asyncio.Future[tuple[str, int] | None]",
    ) -> tuple[str, int] | None:
        for pause_s in (*_REPEAT_AT_S, 2.0):
            await asyncio.wait([answered], timeout=pause_s)
            if answered.done():
                return answered.result()
            try:
                ours.sendto(request, server)
            except OSError as error:
                log.info("the STUN server %s cannot be reached: %s", self._stun_server, error)
                return None
        return None
