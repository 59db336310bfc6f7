"""The one UDP port of all viewers, and which viewer a datagram belongs to."""

import asyncio
import ipaddress
import logging
import socket
import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import ifaddr
from aioice import stun

_DATAGRAMS_AT_ONCE = 64
_RECEIVE_BYTES = 2048
_BUFFER_BYTES = 4 * 1024 * 1024
"""What is asked of the system for sending: a large keyframe to many viewers. It gives less where it is told to."""

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
"""As the socket module has it: two members for IPv4, four for IPv6."""

log = logging.getLogger(__name__)


class Path(NamedTuple):
    """One of our sockets and an address that it reaches."""

    socket: socket.socket
    remote: SocketAddress


class Endpoint(Protocol):
    """A viewer's end of its connection."""

    def stun_received(self, message: stun.Message, path: Path) -> None:
        """Take a STUN request that names this viewer's user fragment."""
        ...

    def datagram_received(self, datagram: bytes) -> None:
        """Take a datagram, not STUN, from an address that this viewer claimed."""
        ...


class UdpPort:
    """A socket for each address of this machine, all with the same port number. Belongs to the event loop.

    `port` is the number wanted, 0 for any.
    """

    def __init__(self, port: int) -> None:
        self._wanted = port
        self._sockets: dict[str, socket.socket] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._paths: dict[Path, Endpoint] = {}
        self._answers: dict[bytes, Callable[[stun.Message, Path], None]] = {}
        self.port = port
        """The number in use; the wanted one until the first socket is there."""

    def open(self, addresses: Iterable[str]) -> list[socket.socket]:
        """Return a socket for each of the addresses that can be listened on. Raises OSError when there is none."""
        failure: OSError | None = None
        opened = []
        for address in addresses:
            try:
                opened.append(self._sockets.get(address) or self._listen(address))
            except OSError as error:
                failure = error
        if not opened and failure is not None:
            raise failure
        return opened

    def register(self, ufrag: str, endpoint: Endpoint) -> None:
        """Hand STUN requests for this user fragment to a viewer."""
        self._endpoints[ufrag] = endpoint

    def claim(self, path: Path, endpoint: Endpoint) -> None:
        """Hand what comes from this address to a viewer."""
        self._paths[path] = endpoint

    def forget(self, ufrag: str, paths: Iterable[Path]) -> None:
        """Hand nothing more to the viewer with this user fragment, which claimed these paths."""
        endpoint = self._endpoints.pop(ufrag, None)
        for path in paths:
            if self._paths.get(path) is endpoint:
                del self._paths[path]

    def expect(self, transaction: bytes, answered: Callable[[stun.Message, Path], None]) -> None:
        """Call back when the answer to a STUN request comes, unless `give_up` is called before."""
        self._answers[transaction] = answered

    def give_up(self, transaction: bytes) -> None:
        """Wait for this answer no longer."""
        self._answers.pop(transaction, None)

    def close(self) -> None:
        """Close every socket."""
        loop = asyncio.get_running_loop()
        for listening in self._sockets.values():
            loop.remove_reader(listening)
            listening.close()
        self._sockets.clear()

    def _listen(self, address: str) -> socket.socket:
        try:
            listening = _bound(address, self.port)
        except OSError as error:
            # All have one number, for firewalls and routers: an address where it is taken goes without.
            if not self._wanted or self._sockets:
                raise
            log.warning(
                "UDP port %d of %s cannot be used for WebRTC (%s): another one is used.",
                self._wanted,
                address,
                error.strerror,
            )
            self._wanted = 0
            listening = _bound(address, 0)
        self.port = int(listening.getsockname()[1])
        asyncio.get_running_loop().add_reader(listening, self._readable, listening)
        self._sockets[address] = listening
        return listening

    def _readable(self, listening: socket.socket) -> None:
        for _ in range(_DATAGRAMS_AT_ONCE):
            try:
                datagram, remote = listening.recvfrom(_RECEIVE_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error for something sent before: says nothing about who sends now.
                continue
            if datagram:
                self._dispatch(datagram, Path(listening, remote))

    def _dispatch(self, datagram: bytes, path: Path) -> None:
        # RFC 7983: the first byte tells STUN from DTLS and RTP.
        if datagram[0] > 3:
            endpoint = self._paths.get(path)
            if endpoint is not None:
                endpoint.datagram_received(datagram)
            return
        try:
            message = stun.parse_message(datagram)
        except (ValueError, KeyError, IndexError, struct.error):
            return
        if message.message_class is stun.Class.REQUEST:
            ufrag = str(message.attributes.get("USERNAME", "")).partition(":")[0]
            endpoint = self._endpoints.get(ufrag)
            if endpoint is not None:
                endpoint.stun_received(message, path)
        elif (answered := self._answers.pop(message.transaction_id, None)) is not None:
            answered(message, path)


def host_addresses() -> list[str]:
    """Return the addresses of this machine's networks, IPv4 first, without loopback and link-local ones.

    Raises OSError.
    """
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append(address)
    return [str(address) for address in sorted(set(found), key=lambda address: (address.version, int(address)))]


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made
