"""Webhook messages are posted to who may get them, signed, and to nobody else."""

import asyncio
import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import pytest

from lightnvr.events.telling.webhooks.addresses import AddressRules, networks
from lightnvr.events.telling.webhooks.posting import NotDelivered, PostingRules, post
from lightnvr.events.telling.webhooks.signing import signature
from tests.rig.certificates import certificates

_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(slots=True)
class Receiver:
    """An HTTP server that answers what it is told to, or nothing."""

    answer: bytes
    scheme: str = "http"
    got: list[bytes] = field(default_factory=list)
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request whole and answer it."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.got.append(head + await reader.readexactly(length))
        if self.answer:
            writer.write(self.answer)
            writer.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?a=b"


@asynccontextmanager
async def receiver(answer: bytes = _NO_CONTENT, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver while the context is open."""
    running = Receiver(answer, "http" if tls is None else "https")
    server = await asyncio.start_server(running.handle, "127.0.0.1", 0, ssl=tls)
    running.port = server.sockets[0].getsockname()[1]
    yield running
    server.close()


async def test_a_message_arrives_with_a_signature_that_can_be_verified() -> None:
    body = b'{"version": 1}'
    async with receiver() as there:
        headers = {"X-LightNVR-Timestamp": "1000", "X-LightNVR-Signature": signature("secret", 1000, body)}
        assert await post(there.url, body, headers, PostingRules()) == 204
    head, _, got = there.got[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    expected = hmac.new(b"secret", b"1000." + got, sha256).hexdigest()
    assert f"X-LightNVR-Signature: sha256={expected}".encode() in head


@pytest.mark.parametrize(
    ("status", "is_final"), [(500, False), (429, False), (408, False), (404, True), (302, True), (401, True)]
)
async def test_what_the_receiver_answers_says_whether_to_try_again(status: int, is_final: bool) -> None:
    answer = f"HTTP/1.1 {status} X\r\nLocation: http://169.254.169.254/\r\nRetry-After: 7\r\n\r\n".encode()
    async with receiver(answer) as there:
        with pytest.raises(NotDelivered) as failed:
            await post(there.url, b"{}", {}, PostingRules())
    assert (failed.value.status, failed.value.is_final) == (status, is_final)
    assert len(there.got) == 1


async def test_a_receiver_that_stalls_or_talks_too_much_is_left() -> None:
    async with receiver(b"") as there:
        with pytest.raises(NotDelivered, match="no answer within"):
            await post(there.url, b"{}", {}, PostingRules(timeout_s=0.2))
    async with receiver(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000) as there:
        with pytest.raises(NotDelivered):
            await post(there.url, b"{}", {}, PostingRules())


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://224.0.0.1/", "http://0.0.0.0/"]
)
async def test_addresses_of_no_receiver_are_never_connected_to(url: str) -> None:
    with pytest.raises(NotDelivered) as refused:
        await post(url, b"{}", {}, PostingRules())
    assert refused.value.is_final


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.168.1.5", "fd00::5"])
def test_receivers_may_be_on_this_machine_and_near(address: str) -> None:
    assert AddressRules().refusal(ip_address(address)) == ""


async def test_a_list_of_networks_allows_or_denies() -> None:
    async with receiver() as there:
        for rules in (AddressRules(denied=networks("127.0.0.0/8")), AddressRules(allowed=networks("10.0.0.0/8"))):
            with pytest.raises(NotDelivered):
                await post(there.url, b"{}", {}, PostingRules(rules))
        assert there.got == []
        assert await post(there.url, b"{}", {}, PostingRules(AddressRules(allowed=networks("127.0.0.1")))) == 204


@pytest.mark.parametrize(
    ("fields", "after_s"),
    [
        ("Retry-After: 7", 7),
        ("Date: Wed, 25 Nov 2026 12:00:00 GMT\r\nRetry-After: Wed, 25 Nov 2026 12:02:00 GMT", 120),
        ("Date: Wed, 25 Nov 2026 12:00:00 GMT\r\nRetry-After: Wed, 25 Nov 2026 11:00:00 GMT", 0),
        ("Retry-After: Wed, 25 Nov 2026 12:02:00 GMT", 0),
        ("Retry-After: soon", 0),
        ("Retry-After: Wed, 25 Nov 99999999999999 12:00:00 GMT", 0),
        ("Retry-After: Wed, 25 Nov 2026 12:00:00 +99999999999999", 0),
        ("X: y", 0),
    ],
)
async def test_how_long_a_receiver_wants_to_be_left_alone_is_read(fields: str, after_s: int) -> None:
    async with receiver(f"HTTP/1.1 503 Busy\r\n{fields}\r\n\r\n".encode()) as there:
        with pytest.raises(NotDelivered) as failed:
            await post(there.url, b"{}", {}, PostingRules())
    assert failed.value.after_s == after_s


async def test_an_https_receiver_must_have_a_certificate_of_a_known_authority(tmp_path: Path) -> None:
    authority, certificate, key = certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with receiver(tls=tls) as there:
        with pytest.raises(NotDelivered, match=r"(?i)certificate") as refused:
            await post(there.url, b"{}", {}, PostingRules())
        assert not refused.value.is_final
        assert there.got == []
        known = PostingRules(tls=lambda: ssl.create_default_context(cafile=str(authority)))
        assert await post(there.url, b"{}", {}, known) == 204
        assert len(there.got) == 1
