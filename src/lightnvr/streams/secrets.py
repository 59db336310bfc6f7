"""Encrypts the passwords of cameras in the database, with a key in a file beside it."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretUnreadable(Exception):
    """A stored secret was encrypted with another key."""


class UnusableKeyFile(Exception):
    """The key file cannot be read or made; the text says what to do."""


class SecretBox:
    """Seals and reveals short texts (Fernet: AES-128-CBC with HMAC-SHA256). Empty text stays empty."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._key = key

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 secret bytes for another purpose, the same at every start (HKDF, RFC 5869)."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(self._key)

    @classmethod
    def open(cls, key_file: Path) -> "SecretBox":
        """Read the key, or make one (mode 0600) when there is no file. Blocks. Raises UnusableKeyFile."""
        try:
            try:
                key = key_file.read_bytes().strip()
            except FileNotFoundError:
                key = _make_key(key_file)
            return cls(key)
        except OSError as error:
            raise UnusableKeyFile(
                f"The key file {key_file} cannot be read or made: {error.strerror}. Check the rights of its folder."
            ) from error
        except ValueError as error:
            raise UnusableKeyFile(
                f"The key file {key_file} is damaged. Put back the one from your backup, or remove it: then the "
                "passwords of all cameras have to be entered again."
            ) from error

    def seal(self, text: str) -> str:
        """Return what to store."""
        return self._fernet.encrypt(text.encode()).decode() if text else ""

    def reveal(self, sealed: str) -> str:
        """Return the text that was sealed. Raises SecretUnreadable."""
        if not sealed:
            return ""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable from None


def _make_key(key_file: Path) -> bytes:
    key_file.parent.mkdir(parents=True, exist_ok=True)
    key = Fernet.generate_key()
    # Written whole under another name first: a crash must not leave half a key, and of two processes one wins.
    draft = key_file.with_name(f".{key_file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, key_file)
        except FileExistsError:
            return key_file.read_bytes().strip()
        except OSError:  # file systems without hard links, such as exFAT
            draft.replace(key_file)
    finally:
        draft.unlink(missing_ok=True)
    return key
