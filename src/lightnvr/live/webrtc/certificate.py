"""Who we are in DTLS: a key made at the start, told to each browser by its fingerprint (RFC 8827, section 6.5)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_LIFETIME = timedelta(days=365 * 10)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    x509: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """The value of a=fingerprint (RFC 8122, section 5)."""
        return f"sha-256 {self.x509.fingerprint(hashes.SHA256()).hex(':').upper()}"


def make_certificate(now: datetime) -> Certificate:
    """Return a new one. It says nothing about the server; browsers do not look at its dates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .sign(key, hashes.SHA256())
    )
    return Certificate(key, made)
