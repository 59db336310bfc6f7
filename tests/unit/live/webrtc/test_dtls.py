"""The handshake that gives the keys: with whom it succeeds, and over which networks."""

from datetime import UTC, datetime

import pytest

from lightnvr.live.webrtc.certificate import Certificate, make_certificate
from lightnvr.live.webrtc.dtls import MAX_DATAGRAM_BYTES, Dtls, DtlsFailed

_NOW = datetime(2026, 8, 1, tzinfo=UTC)
_OURS, _THEIRS = make_certificate(_NOW), make_certificate(_NOW)
_RTP = b"\x80\x60\0\1\0\0\0\0\0\0\0\7picture"


def _told(certificate: Certificate) -> list[tuple[str, str]]:
    algorithm, digits = certificate.fingerprint.split()
    return [(algorithm, digits.replace(":", "").lower())]


def _pair(server_knows: Certificate = _THEIRS, client_knows: Certificate = _OURS) -> tuple[Dtls, Dtls]:
    return Dtls(_OURS, _told(server_knows), is_client=False), Dtls(_THEIRS, _told(client_knows), is_client=True)


def _exchange(server: Dtls, client: Dtls) -> None:
    for _ in range(10):
        for datagram in client.outgoing():
            assert len(datagram) <= MAX_DATAGRAM_BYTES
            server.receive(datagram)
        for datagram in server.outgoing():
            assert len(datagram) <= MAX_DATAGRAM_BYTES
            client.receive(datagram)


def test_both_ends_get_keys_that_fit() -> None:
    server, client = _pair()
    client.begin()
    _exchange(server, client)

    assert server.keys is not None
    assert client.keys is not None
    assert client.keys.inbound.unprotect(server.keys.outbound.protect(_RTP)) == _RTP
    assert server.keys.inbound.unprotect(client.keys.outbound.protect(_RTP)) == _RTP
    assert server.timeout_s() is None


def test_somebody_else_than_the_one_who_offered_is_refused() -> None:
    server, client = _pair(server_knows=make_certificate(_NOW))
    client.begin()

    with pytest.raises(DtlsFailed, match="not the one who made the offer"):
        _exchange(server, client)
    assert server.keys is None


def test_a_fingerprint_of_an_unsafe_kind_proves_nothing() -> None:
    server = Dtls(_OURS, [("sha-1", "00" * 20)], is_client=False)
    client = Dtls(_THEIRS, _told(_OURS), is_client=True)
    client.begin()

    with pytest.raises(DtlsFailed, match="no fingerprint"):
        _exchange(server, client)


def test_what_is_lost_is_sent_again() -> None:
    server, client = _pair()
    client.begin()
    assert list(client.outgoing())
    assert client.timeout_s() is not None

    while (timeout_s := client.timeout_s()) is not None and timeout_s > 0:
        pass
    client.retransmit()
    _exchange(server, client)

    assert server.keys is not None
    assert client.keys is not None


def test_noise_does_no_harm() -> None:
    server, client = _pair()
    client.begin()
    server.receive(b"\x16" + bytes(60))
    _exchange(server, client)

    assert server.keys is not None


def test_a_good_bye_is_understood() -> None:
    server, client = _pair()
    client.begin()
    _exchange(server, client)

    client.close()
    _exchange(server, client)

    assert server.closed
