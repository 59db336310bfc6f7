"""The DTLS handshake that gives the keys for SRTP (RFC 5764), on OpenSSL."""

import hmac
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from lightnvr.live.webrtc.certificate import Certificate

MAX_DATAGRAM_BYTES = 1200
_RECORD_HEADER_BYTES = 13
_DTLS_1_2 = 0xFEFD
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
_REPLAY_WINDOW = 1024
"""Packets that can be sent again (NACK) after the latest."""


@dataclass(frozen=True, slots=True)
class _Profile:
    name: bytes
    libsrtp: int
    key_bytes: int
    salt_bytes: int


# The first costs half of the second. All browsers know both; the second has to be known (RFC 8827, section 6.5).
_PROFILES = (
    _Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    _Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


class DtlsFailed(Exception):
    """The other side is not the one whose fingerprint was told, or it speaks otherwise."""


@dataclass(frozen=True, slots=True)
class SrtpSessions:
    """How packets are encrypted on their way out and decrypted on their way in."""

    outbound: Session
    inbound: Session


class Dtls:
    """One end of a DTLS association, without input and output of its own.

    Feed it datagrams with `receive` and send what `outgoing` gives after each call. `keys` is set when the handshake
    is done, `closed` when the other side said good-bye.
    """

    def __init__(self, certificate: Certificate, fingerprints: Sequence[tuple[str, str]], *, is_client: bool) -> None:
        """`fingerprints` are the other side's: hash and hexadecimal digits."""
        self._fingerprints = fingerprints
        self._is_client = is_client
        self._connection = SSL.Connection(_context(certificate), None)
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM_BYTES)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self.keys: SrtpSessions | None = None
        self.closed = False

    def begin(self) -> None:
        """Make the first step. Raises DtlsFailed."""
        self._shake_hands()

    def receive(self, datagram: bytes) -> None:
        """Take a datagram. Raises DtlsFailed."""
        self._connection.bio_write(datagram)
        if self.keys is None:
            self._shake_hands()
            return
        try:
            # Application data (a data channel) is never agreed on, so what comes is alerts and repeated handshakes.
            self._connection.recv(MAX_DATAGRAM_BYTES)
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.closed = True

    def timeout_s(self) -> float | None:
        """Return after how many seconds `retransmit` should be called; None for never."""
        return None if self.keys is not None else self._connection.DTLSv1_get_timeout()

    def retransmit(self) -> None:
        """Repeat what was not answered in time. Raises DtlsFailed."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsFailed("The browser does not answer the DTLS handshake.") from error

    def close(self) -> None:
        """Say good-bye."""
        if self.keys is not None:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self.closed = True

    def outgoing(self) -> Iterator[bytes]:
        """Give the datagrams to send now: as many whole records in each as fit."""
        datagram = b""
        for record in self._records():
            if datagram and len(datagram) + len(record) > MAX_DATAGRAM_BYTES:
                yield datagram
                datagram = b""
            datagram += record
        if datagram:
            yield datagram

    def _records(self) -> Iterator[bytes]:
        try:
            written = self._connection.bio_read(1 << 17)
        except SSL.WantReadError:
            return
        while written:
            (length,) = struct.unpack_from(">H", written, _RECORD_HEADER_BYTES - 2)
            end = _RECORD_HEADER_BYTES + length
            yield written[:end]
            written = written[end:]

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise DtlsFailed("The DTLS handshake with the browser failed.") from error
        self._check_identity()
        self.keys = self._derive_keys()

    def _check_identity(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = [(_HASHES[name](), digits) for name, digits in self._fingerprints if name in _HASHES]
        if certificate is None or not known:
            raise DtlsFailed("The browser told no fingerprint of a kind that is safe.")
        for algorithm, digits in known:
            if not hmac.compare_digest(certificate.fingerprint(algorithm).hex().encode(), digits.encode()):
                raise DtlsFailed("The one who connects is not the one who made the offer.")

    def _derive_keys(self) -> SrtpSessions:
        selected = self._connection.get_selected_srtp_profile()
        profile = next((profile for profile in _PROFILES if profile.name == selected), None)
        if profile is None:
            raise DtlsFailed("The browser knows no SRTP protection profile that we know.")
        keys, salts = profile.key_bytes, profile.salt_bytes
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (keys + salts))
        # RFC 5764, section 4.2: both keys, then both salts; the client's first.
        client = material[:keys] + material[2 * keys : 2 * keys + salts]
        server = material[keys : 2 * keys] + material[2 * keys + salts :]
        ours, theirs = (client, server) if self._is_client else (server, client)
        outbound = Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile.libsrtp)
        outbound.allow_repeat_tx = True
        inbound = Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile.libsrtp)
        outbound.window_size = inbound.window_size = _REPLAY_WINDOW
        return SrtpSessions(Session(outbound), Session(inbound))


def _context(certificate: Certificate) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
    # Certificates are self-signed: who it is shows by the fingerprint, which is checked after the handshake.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate.x509)
    context.use_privatekey(certificate.key)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in _PROFILES))
    return context
