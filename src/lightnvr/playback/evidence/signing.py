"""The key that evidence of this installation is signed with (Ed25519, RFC 8032)."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES = 64
_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


class UnusableEvidenceKey(Exception):
    """The key file cannot be read or made, or holds no key; the text says what to do."""


class PublicKey:
    """What a signature is checked with. `fingerprint` is the SHA-256 of its 32 bytes, in hexadecimal."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.fingerprint = hashlib.sha256(key.public_bytes(*_RAW)).hexdigest()
        self.pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    @classmethod
    def read(cls, pem: bytes) -> "PublicKey":
        """Read a key in PEM. Raises UnusableEvidenceKey."""
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise UnusableEvidenceKey("This is no public key in PEM.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise UnusableEvidenceKey("This public key is not of the kind Ed25519.")
        return cls(key)

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Whether this signature of exactly these bytes was made with the key."""
        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private key. It never leaves the data folder."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def open(cls, path: Path) -> "SigningKey":
        """Read the key, or make one (mode 0600) when there is no file. Blocks. Raises UnusableEvidenceKey."""
        try:
            try:
                pem = path.read_bytes()
            except FileNotFoundError:
                pem = _make(path)
            key = serialization.load_pem_private_key(pem, password=None)
        except OSError as error:
            raise UnusableEvidenceKey(
                f"The key of evidence, {path}, cannot be read or made: {error.strerror}. Check the rights of its "
                "folder."
            ) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UnusableEvidenceKey(
                f"The key of evidence, {path}, is damaged. Put back the one from your backup, or remove it: then "
                "evidence is signed with a new key."
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise UnusableEvidenceKey(f"The key of evidence, {path}, is not of the kind Ed25519.")
        return cls(key)

    def sign(self, content: bytes) -> bytes:
        """Return the signature of these bytes, SIGNATURE_BYTES long."""
        return self._key.sign(content)


def _make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Written whole under another name first: a crash must not leave half a key, and of two processes one wins.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return path.read_bytes()
        except OSError:  # file systems without hard links, such as exFAT
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return pem
