"""Writing to the log of the operating system: the syslog or journal that listens on a local socket."""

import logging
import os
import socket

_SEVERITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
_USUAL = 6
FACILITIES = {"LOG_USER": 1, "LOG_DAEMON": 3, **{f"LOG_LOCAL{number}": 16 + number for number in range(8)}}
"""Their numbers (RFC 5424 section 6.2.1)."""

_LONGEST_BYTES = 8192


class SystemLog(logging.Handler):
    """Sends each entry as one datagram (RFC 3164; the system adds time and host).

    Nothing waits for a system log that does not keep up or is being restarted: what it does not take is lost there, and
    is in the other logs. Not connected before `connect`.
    """

    def __init__(self, address: str, *, ident: str, facility: str) -> None:
        """`address` is the path of the socket, `facility` a name such as LOG_USER. Raises KeyError."""
        super().__init__()
        self._address = address
        self._ident = ident
        self._facility = FACILITIES[facility]
        self._socket: socket.socket | None = None
        self.lost = 0
        """How many entries were not taken."""

    def connect(self) -> None:
        """Connect to the system's log. Raises OSError."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.connect(self._address)
        except OSError:
            made.close()
            raise
        self._socket = made

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record. See logging.Handler."""
        priority = self._facility * 8 + _SEVERITIES.get(record.levelno, _USUAL)
        line = f"<{priority}>{self._ident}[{os.getpid()}]: {self.format(record)}"
        datagram = line.encode(errors="replace")[:_LONGEST_BYTES]
        try:
            self._send(datagram)
        except BlockingIOError:
            self.lost += 1
        except OSError:
            # The system's log was restarted: its socket is another one now.
            self._disconnect()
            try:
                self._send(datagram)
            except OSError:
                self.lost += 1

    def close(self) -> None:
        """See logging.Handler."""
        self._disconnect()
        super().close()

    def _send(self, datagram: bytes) -> None:
        if self._socket is None:
            self.connect()
        if self._socket is not None:
            self._socket.send(datagram, socket.MSG_DONTWAIT)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
