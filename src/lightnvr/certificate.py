"""TLS for the web server: a certificate and a key from files, read again when they change."""

import asyncio
import logging
import ssl
from pathlib import Path

_LOOK_S = 10.0

log = logging.getLogger(__name__)


class UnusableCertificate(Exception):
    """Certificate or key cannot be used; the text says why."""


class Certificate:
    """A context for connections that is kept equal to the files. Connections that are open stay as they are."""

    def __init__(self, certificate: Path, key: Path, *, look_s: float = _LOOK_S) -> None:
        """Read the files, which blocks. Raises UnusableCertificate."""
        self._certificate = certificate
        self._key = key
        self._look_s = look_s
        self._seen = self._state()
        self.context = self._load()
        self._present = self.context
        # Called at the beginning of each handshake, with or without a name (SSLContext.sni_callback).
        self.context.sni_callback = self._choose

    async def run(self) -> None:
        """Look for changes until cancelled. What cannot be used is reported, and the present certificate stays."""
        while True:
            await asyncio.sleep(self._look_s)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._present = self._load()
        except UnusableCertificate as error:
            # Perhaps the second of the two files is still to come: then there is another change.
            log.warning("%s The certificate read before stays in use.", error)
        else:
            log.info("the certificate in %s was read again", self._certificate)

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._present

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Without a password OpenSSL would ask for one on the terminal, and wait.
            context.load_cert_chain(self._certificate, self._key, password="")
        except OSError as error:  # ssl.SSLError is one
            reason = error.strerror or error
            raise UnusableCertificate(
                f"The certificate {self._certificate} cannot be used with the key {self._key}: {reason}."
            ) from error
        return context

    def _state(self) -> tuple[tuple[int, int, int, int] | None, ...]:
        return tuple(_state_of(path) for path in (self._certificate, self._key))


def _state_of(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # With the time of the inode's change: a file that could not be read may be made readable afterwards.
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
