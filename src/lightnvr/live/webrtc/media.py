"""What one viewer gets: pictures from the latest keyframe on, sound, reports; and what it asks for again."""

import asyncio
import random
from collections.abc import Callable, Sequence

from pylibsrtp import Session

from lightnvr.live.audience import Viewer
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp_output import TimedFrame
from lightnvr.live.webrtc.answer import AgreedMedia, Agreement
from lightnvr.live.webrtc.catching_up import AS_USUAL, AT_ONCE, PlayoutDelay, squeezed
from lightnvr.live.webrtc.outgoing import OutgoingStream
from lightnvr.live.webrtc.pacing import Pacer
from lightnvr.live.webrtc.rtcp import Feedback, Goodbye, MissingPackets, PictureLost, Reception

_REPORT_INTERVAL_S = 2.0
_REPLAY_INTERVAL_S = 1.0
"""A browser that waits for a keyframe asks several times a second."""

_TOO_LOSSY = 0.3
"""Fraction of lost packets, in two reports in a row, after which the rest of the GOP is not sent."""


class ViewerMedia:
    """Takes the frames of a stream for one viewer. Implements RtpConsumer; belongs to the event loop.

    `over` is set, with a sentence in `reason`, when this viewer can get nothing more.
    """

    def __init__(
        self,
        agreement: Agreement,
        srtp: Session,
        send: Callable[[bytes], bool],
        viewer: Viewer,
        gop: Callable[[], Sequence[TimedFrame]],
        *,
        codec: str,
        rng: random.Random,
    ) -> None:
        """`send` gives False when there is no room for a packet now; `gop` gives what to begin with at any time.

        `codec` is the camera's video codec that was agreed on, as in Track.
        """
        self._send = send
        self._viewer = viewer
        self._gop = gop
        self._codec = codec
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer(send)
        self._video = _outgoing(agreement.video, srtp, rng)
        self._audio = _outgoing(agreement.audio, srtp, rng)
        self._playout_delay = PlayoutDelay(agreement.video.playout_delay if agreement.video else 0)
        self._video_track = -1
        self._latest: int | None = None
        self._waits_for_keyframe = True
        self._replay_wanted = False
        self._replayed_at = 0.0
        self._lossy_reports = 0
        self._reported: dict[int, float] = {}
        self.over = asyncio.Event()
        self.reason = ""

    @property
    def ssrcs(self) -> tuple[int, ...]:
        """The streams that are sent."""
        return tuple(stream.ssrc for stream in (self._video, self._audio) if stream)

    def begin(self) -> None:
        """Send the GOP that is there, so that the picture is seen at once."""
        self._replay(self._gop())

    def tracks_changed(self, tracks: tuple[Track, ...]) -> None:
        """See RtpConsumer."""
        self._waits_for_keyframe = True
        self._video_track = next((index for index, track in enumerate(tracks) if track.is_video), -1)
        if self._video and tracks and (self._video_track < 0 or tracks[self._video_track].codec != self._codec):
            self._end("The camera sends another codec now.")

    def frame(self, timed: TimedFrame) -> None:
        """See RtpConsumer. Takes pictures only: sound comes by `sound`."""
        if timed.frame.track != self._video_track or self._video is None:
            return
        if timed.frame.keyframe:
            self._waits_for_keyframe = self._replay_wanted = False
        elif self._waits_for_keyframe:
            self._viewer.lost(len(timed.frame.offsets))
            return
        elif self._replay_wanted and (self._latest is None or timed.timestamp > self._latest):
            self._replay(self._gop())
            return
        self._send_picture(timed, timed.timestamp)

    def ended(self) -> None:
        """See RtpConsumer."""
        self._end("The live view was stopped.")

    def sound(self, timed: TimedFrame) -> None:
        """Send a packet of sound at once: it is small, and late sound is heard."""
        if self._audio is None:
            return
        for packet in self._audio.packets(timed.frame, timed.timestamp):
            self._send(packet)
            self._viewer.sent(len(packet))
        self._report(self._audio, timed)

    def feedback(self, feedback: Feedback) -> None:
        """Answer what the browser reports."""
        match feedback:
            case MissingPackets(ssrc, sequences):
                for stream in (self._video, self._audio):
                    if stream is not None and stream.ssrc == ssrc:
                        self._repeat(stream, sequences)
            case PictureLost(ssrc) if self._video is not None and ssrc == self._video.ssrc:
                self._replay_wanted = self._loop.time() - self._replayed_at >= _REPLAY_INTERVAL_S
            case Reception(ssrc, fraction_lost) if self._video is not None and ssrc == self._video.ssrc:
                self._judge(fraction_lost)
            case Goodbye():
                self._end("The browser left.")
            case _:
                pass

    def close(self) -> None:
        """Send nothing more."""
        self._pacer.clear()

    def _repeat(self, stream: OutgoingStream, sequences: Sequence[int]) -> None:
        for sequence in sequences:
            packet = stream.again(sequence)
            if packet is not None and self._send(packet):
                self._viewer.sent(len(packet))

    def _judge(self, fraction_lost: float) -> None:
        self._lossy_reports = self._lossy_reports + 1 if fraction_lost >= _TOO_LOSSY else 0
        if self._lossy_reports >= 2:
            self._lossy_reports = 0
            self._skip_to_keyframe()

    def _skip_to_keyframe(self) -> None:
        self._viewer.lost(self._pacer.clear())
        self._waits_for_keyframe = True
        self._replay_wanted = False

    def _replay(self, gop: Sequence[TimedFrame]) -> None:
        pictures = [timed for timed in gop if timed.frame.track == self._video_track]
        if self._video is None or not pictures:
            return
        # What still waits is part of it.
        self._pacer.clear()
        self._waits_for_keyframe = self._replay_wanted = False
        self._replayed_at = self._loop.time()
        for timed, timestamp in zip(pictures, squeezed(pictures, self._latest), strict=True):
            self._send_picture(timed, timestamp, AT_ONCE)

    def _send_picture(self, timed: TimedFrame, timestamp: int, delay: tuple[int, int] = AS_USUAL) -> None:
        if self._video is None:
            return
        size_bytes = len(timed.frame.data)
        extension = self._playout_delay.extension(delay) if timed.frame.keyframe else b""
        if not self._pacer.push(size_bytes, self._video.packets(timed.frame, timestamp, extension)):
            self._skip_to_keyframe()
            self._viewer.lost(len(timed.frame.offsets))
            return
        self._viewer.sent(size_bytes)
        if self._latest is None or timestamp > self._latest:
            self._latest = timestamp
        if timestamp == timed.timestamp:
            self._report(self._video, timed)

    def _report(self, stream: OutgoingStream, timed: TimedFrame) -> None:
        now = self._loop.time()
        if now - self._reported.get(stream.ssrc, float("-inf")) >= _REPORT_INTERVAL_S:
            self._reported[stream.ssrc] = now
            self._send(stream.report(timed.captured, timed.timestamp))

    def _end(self, reason: str) -> None:
        if not self.over.is_set():
            self.reason = reason
            self.over.set()


def _outgoing(agreed: AgreedMedia | None, srtp: Session, rng: random.Random) -> OutgoingStream | None:
    if agreed is None:
        return None
    return OutgoingStream(
        srtp,
        ssrc=agreed.ssrc,
        payload_type=agreed.codec.payload_type,
        # Small enough that the first packets cannot wrap around before SRTP on the other side knows where we are.
        first_sequence=rng.getrandbits(15),
        timestamp_offset=rng.getrandbits(32),
    )
