"""One request to an external detector, which may be slow, wrong or hostile."""

import contextlib
import http.client
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable

from lightnvr.detection.detector_address import DetectorAddress, InvalidAddress, Reach, Resolve, system_resolve

_LARGEST_ANSWER = 1024 * 1024
_TIMEOUT_S = 10.0
_CONNECT_S = 3.0
"""Who is not reached by then is away; the end of the server waits for nobody longer than this."""


class RequestFailed(Exception):
    """There is no answer, or not the one that was asked for; the text is a sentence."""


class DetectorRequests:
    """Asks one detector. Any number of threads may do so at a time."""

    def __init__(
        self,
        address: DetectorAddress,
        reach: Reach,
        backend: str,
        *,
        timeout_s: float = _TIMEOUT_S,
        resolve: Resolve = system_resolve,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`timeout_s` is how long a request may take in all."""
        self._address = address
        self._reach = reach
        self._backend = backend
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._monotonic = monotonic
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_interrupted = False

    def interrupt(self) -> None:
        """Have all requests fail, those that are under way and any after them."""
        with self._lock:
            self._is_interrupted = True
            for sock in self._open:
                _shut(sock)

    def send(self, jpeg: bytes, threshold: float) -> bytes:
        """Return the answer to a picture. Raises RequestFailed."""
        deadline = self._monotonic() + self._timeout_s
        where = self._address.authority
        try:
            sock = self._connect(deadline)
        except InvalidAddress as error:
            raise RequestFailed(str(error)) from None
        except TimeoutError:
            raise RequestFailed(f"The detector at {where} does not answer.") from None
        except OSError as error:
            raise RequestFailed(f"The detector at {where} cannot be reached: {error.strerror or error}.") from None
        if self._address.secure:
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=self._address.host, do_handshake_on_connect=False)
        # Each read has its own limit of time, so that a byte now and then could keep us for ever.
        watch = threading.Timer(max(0.0, deadline - self._monotonic()), _shut, (sock,))
        watch.daemon = True
        watch.start()
        connection = http.client.HTTPConnection(self._address.host, self._address.port)
        try:
            self._enter(sock)
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            connection.sock = sock
            connection.auto_open = 0
            return self._exchange(connection, jpeg, threshold)
        except (OSError, http.client.HTTPException) as error:
            if self._monotonic() >= deadline:
                raise RequestFailed(f"The detector at {where} took more than {self._timeout_s:g} s.") from None
            raise RequestFailed(f"The detector at {where} broke off: {str(error) or type(error).__name__}.") from None
        finally:
            with self._lock:
                self._open.discard(sock)
            watch.cancel()
            connection.close()
            sock.close()

    def _enter(self, sock: socket.socket) -> None:
        with self._lock:
            if self._is_interrupted:
                raise ConnectionAbortedError("nobody waits for the answer any more")
            self._open.add(sock)

    def _connect(self, deadline: float) -> socket.socket:
        addresses = self._resolve(self._address.host, self._address.port)
        # Connected to what was looked at, so that the name cannot mean something else a moment later.
        chosen = self._reach.allowed(self._address.host, addresses)
        sock = socket.create_connection((chosen, self._address.port), min(_CONNECT_S, self._timeout_s))
        sock.settimeout(max(0.1, deadline - self._monotonic()))
        return sock

    def _exchange(self, connection: http.client.HTTPConnection, jpeg: bytes, threshold: float) -> bytes:
        boundary = secrets.token_hex(16)
        asked = threshold if threshold > 0 else 0.5
        joint = "&" if "?" in self._address.target else "?"
        query = f"backend={self._backend}&confidence_threshold={asked:.2f}&return_image=false"
        body = b"".join(
            (
                f"--{boundary}\r\n".encode(),
                b'Content-Disposition: form-data; name="file"; filename="snapshot.jpg"\r\n',
                b"Content-Type: image/jpeg\r\n\r\n",
                jpeg,
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )
        headers = {
            "Host": self._address.authority,
            "Accept": "application/json",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Connection": "close",
        }
        connection.request("POST", f"{self._address.target}{joint}{query}", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RequestFailed(f"The detector at {self._address.authority} answers {answer.status} instead of 200.")
        content = answer.read(_LARGEST_ANSWER + 1)
        if len(content) > _LARGEST_ANSWER:
            raise RequestFailed(f"The detector at {self._address.authority} answers with more than 1 MB.")
        if answer.length:
            # Read with a limit, http.client takes the end of the connection for the end of the answer.
            raise RequestFailed(f"The detector at {self._address.authority} broke off in the middle of its answer.")
        return content


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not that of SSL sockets, which takes away what another thread is reading with.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
