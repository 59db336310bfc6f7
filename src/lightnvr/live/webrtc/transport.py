"""The encrypted connection to one viewer: ICE finds the path, DTLS the keys, SRTP carries packets."""

import asyncio
from collections.abc import Callable, Sequence

import pylibsrtp

from lightnvr.live.webrtc.certificate import Certificate
from lightnvr.live.webrtc.datagrams import Path, UdpPort
from lightnvr.live.webrtc.dtls import Dtls, DtlsFailed, SrtpSessions
from lightnvr.live.webrtc.ice import IceAgent
from lightnvr.live.webrtc.offer import Offer, RemoteCandidate
from lightnvr.live.webrtc.rtcp import Feedback, parse_feedback

_RTCP_TYPES = range(192, 224)
"""The second byte tells RTCP from RTP on one port (RFC 5761, section 4)."""


class Transport:
    """One viewer's connection. Belongs to the event loop.

    `connected` is set when packets can be sent, `over` when it has ended, with a sentence in `reason`.
    """

    def __init__(
        self,
        port: UdpPort,
        addresses: Sequence[str],
        certificate: Certificate,
        offer: Offer,
        *,
        on_feedback: Callable[[Feedback], None],
    ) -> None:
        """Raises OSError when no address can be listened on."""
        self._on_feedback = on_feedback
        self._ice = IceAgent(
            port,
            port.open(addresses),
            remote_ufrag=offer.ufrag,
            remote_password=offer.password,
            on_path=self._path_found,
            on_datagram=self._received,
        )
        # The one who answers may choose. As the client we would save the browser nothing, as the server we wait.
        self.setup = "active" if offer.setup == "passive" else "passive"
        self._dtls = Dtls(certificate, offer.fingerprints, is_client=self.setup == "active")
        self._timer: asyncio.TimerHandle | None = None
        self._path: Path | None = None
        self.connected = asyncio.Event()
        self.over = asyncio.Event()
        self.reason = ""
        self._ice.add_candidates(offer.candidates)

    @property
    def ufrag(self) -> str:
        """Our ICE user fragment."""
        return self._ice.ufrag

    @property
    def password(self) -> str:
        """Our ICE password."""
        return self._ice.password

    @property
    def lost(self) -> asyncio.Event:
        """Set when nobody at the other end wants packets any more."""
        return self._ice.lost

    @property
    def keys(self) -> SrtpSessions:
        """How packets are encrypted; there as soon as `connected` is set."""
        if self._dtls.keys is None:
            raise RuntimeError("The connection has no keys yet.")
        return self._dtls.keys

    def add_candidates(self, candidates: Sequence[RemoteCandidate]) -> None:
        """Learn of more addresses of the browser's."""
        self._ice.add_candidates(candidates)

    def send(self, packet: bytes) -> bool:
        """Send an encrypted packet. False when the system has no room for it at this moment."""
        if self._path is None:
            return True
        try:
            self._path.socket.sendto(packet, self._path.remote)
        except BlockingIOError:
            return False
        except OSError:
            # The network is away for the moment: packets are lost, as they are on their way; consent tells when to end.
            return True
        return True

    def close(self) -> None:
        """Say good-bye and let go of everything."""
        self._dtls.close()
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        self._ice.close()
        self._path = None

    def _path_found(self, path: Path) -> None:
        is_first = self._path is None
        self._path = path
        if is_first and self.setup == "active":
            self._step(self._dtls.begin)
        self._flush()

    def _received(self, datagram: bytes) -> None:
        if 20 <= datagram[0] <= 63:
            self._step(lambda: self._dtls.receive(datagram))
        elif self._dtls.keys is not None and len(datagram) > 8 and datagram[1] in _RTCP_TYPES:
            try:
                compound = self._dtls.keys.inbound.unprotect_rtcp(datagram)
            except (pylibsrtp.Error, ValueError):
                return
            for feedback in parse_feedback(compound):
                self._on_feedback(feedback)

    def _step(self, step: Callable[[], None]) -> None:
        if self.over.is_set():
            return
        try:
            step()
        except DtlsFailed as error:
            self._end(str(error))
        self._flush()
        if self._dtls.closed:
            self._end("The browser left.")
        elif self._dtls.keys is not None:
            self.connected.set()
        self._set_timer()

    def _flush(self) -> None:
        # A browser begins with DTLS while the path is still being checked: the answer waits for it.
        if self._path is not None:
            for datagram in self._dtls.outgoing():
                self.send(datagram)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout_s = None if self.over.is_set() else self._dtls.timeout_s()
        if timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.01, timeout_s), self._step, self._dtls.retransmit)

    def _end(self, reason: str) -> None:
        if not self.over.is_set():
            self.reason = reason
            self.over.set()
