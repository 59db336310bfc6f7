"""Which addresses an answer names: ours, those that a router forwards, and the one that a STUN server saw."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from aioice import stun

from lightnvr.live.webrtc.addresses import Addresses
from lightnvr.live.webrtc.datagrams import UdpPort, host_addresses

pytestmark = pytest.mark.anyio


class _StunServer(asyncio.DatagramProtocol):
    """Answers that everybody is 203.0.113.9, port 40000, or nothing at all."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.answers:
            request = stun.parse_message(data)
            response = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
            response.attributes["XOR-MAPPED-ADDRESS"] = ("203.0.113.9", 40_000)
            self.transport.sendto(bytes(response), addr)


@asynccontextmanager
async def _stun_server(*, answers: bool = True) -> AsyncIterator[tuple[_StunServer, str]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: _StunServer(answers=answers), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


@asynccontextmanager
async def _addresses(stun_server: str = "", external: tuple[str, ...] = ()) -> AsyncIterator[tuple[Addresses, UdpPort]]:
    port = UdpPort(0)
    addresses = Addresses(port, stun_server=stun_server, external=external, hosts=lambda: ["127.0.0.2"])
    try:
        yield addresses, port
    finally:
        addresses.close()
        port.close()


async def _found(addresses: Addresses, *, waits: bool = True) -> list[tuple[str, int]]:
    local = await addresses.local("127.0.0.1")
    return [(candidate.host, candidate.port) for candidate in await addresses.candidates(local, waits=waits)]


async def test_where_the_request_came_in_stands_first_and_all_have_one_port() -> None:
    async with _addresses() as (addresses, port):
        assert await _found(addresses) == [("127.0.0.1", port.port), ("127.0.0.2", port.port)]


async def test_an_address_that_a_router_forwards_is_named_with_the_same_port() -> None:
    async with _addresses(external=("203.0.113.5",)) as (addresses, port):
        local = await addresses.local("")
        *_, last = await addresses.candidates(local, waits=True)

    assert f" 203.0.113.5 {port.port} typ srflx raddr 127.0.0.2 rport {port.port}" in str(last)


async def test_the_stun_server_is_asked_once_a_minute() -> None:
    async with _stun_server() as (server, address), _addresses(address) as (addresses, _):
        assert ("203.0.113.9", 40_000) in await _found(addresses)
        assert ("203.0.113.9", 40_000) in await _found(addresses)

    assert server.asked == 1


async def test_a_stun_server_that_does_not_answer_is_waited_for_by_one_viewer_from_elsewhere() -> None:
    async with _stun_server(answers=False) as (_, address), _addresses(address) as (addresses, _):
        loop = asyncio.get_running_loop()
        assert len(await _found(addresses, waits=False)) == 2
        assert len(await _found(addresses)) == 2
        asked_at = loop.time()
        assert len(await _found(addresses)) == 2
        assert loop.time() - asked_at < 0.9


@pytest.mark.parametrize("server", ["stun.invalid:3478", "127.0.0.1:port", "[::"])
async def test_a_stun_server_that_is_none_does_no_harm(server: str) -> None:
    async with _addresses(server) as (addresses, _):
        assert len(await _found(addresses)) == 2


async def test_a_port_that_is_taken_is_replaced() -> None:
    async with _addresses() as (addresses, port):
        await _found(addresses)
        second = UdpPort(port.port)
        (opened,) = second.open(["127.0.0.1"])
        assert opened.getsockname()[1] == second.port != port.port
        second.close()


async def test_an_address_of_somebody_else_cannot_be_listened_on() -> None:
    port = UdpPort(0)
    with pytest.raises(OSError, match="assign"):
        port.open(["198.51.100.1"])
    port.close()


def test_this_machine_has_no_loopback_among_its_addresses() -> None:
    assert not {"127.0.0.1", "::1"} & set(host_addresses())
