"""A pair of UDP sockets that carries RTP and RTCP of one track to one viewer (RFC 3550, section 11)."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

_ATTEMPTS = 50


class DatagramPair:
    """Even port for RTP, the next one for RTCP. `on_packet` is called for anything the viewer sends here."""

    def __init__(
        self,
        sockets: tuple[socket.socket, socket.socket],
        listeners: list[asyncio.DatagramTransport],
        client: tuple[str, int, int],
    ) -> None:
        self._rtp, self._rtcp = sockets
        self._listeners = listeners
        host, rtp_port, rtcp_port = client
        self._rtp_address = (host, rtp_port)
        self._rtcp_address = (host, rtcp_port)
        self.server_ports: tuple[int, int] = self._rtp.getsockname()[1], self._rtcp.getsockname()[1]

    def send_rtp(self, packet: bytes | memoryview) -> None:
        # Sent past the event loop's queue, which has no bound: a datagram that does not fit now is lost, as on the way.
        with contextlib.suppress(OSError):
            self._rtp.sendto(packet, self._rtp_address)

    def send_rtcp(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):
            self._rtcp.sendto(packet, self._rtcp_address)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, host: str, on_packet: Callable[[], None]) -> None:
        self._host = host
        self._on_packet = on_packet

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if addr[0] == self._host:
            self._on_packet()

    def error_received(self, exc: Exception) -> None:
        # The viewer's port is closed (ICMP). Its session ends by timeout or with its RTSP connection.
        del exc


async def open_datagram_pair(
    server_host: str, client_host: str, client_ports: tuple[int, int], on_packet: Callable[[], None]
) -> DatagramPair:
    """Binds two neighbouring ports on the address the viewer reached. Raises OSError when none are free."""
    sockets = _neighbouring_sockets(server_host)
    loop = asyncio.get_running_loop()
    transports: list[asyncio.DatagramTransport] = []
    try:
        for sock in sockets:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Listener(client_host, on_packet), sock=sock)
            transports.append(transport)
    except BaseException:
        for transport in transports:
            transport.close()
        for sock in sockets[len(transports) :]:
            sock.close()
        raise
    return DatagramPair(sockets, transports, (client_host, *client_ports))


def _neighbouring_sockets(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_ATTEMPTS):
        first = socket.socket(family, socket.SOCK_DGRAM)
        second = socket.socket(family, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            first.bind((host, 0))
            port = first.getsockname()[1]
            if port % 2 == 0:
                second.bind((host, port + 1))
                first.setblocking(False)
                second.setblocking(False)
                return first, second
        first.close()
        second.close()
    raise OSError("no two neighbouring UDP ports are free")
