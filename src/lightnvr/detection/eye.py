"""Samples of a stream become pictures for a detector: decoded small if that will do, in the form that it wants."""

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import av
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter

from lightnvr.detection.detector import Detector, Picture
from lightnvr.detection.sampler import Sample
from lightnvr.media.decoding import UndecodablePicture, decode_keyframe, open_decoder
from lightnvr.media.late import LateModule
from lightnvr.media.packets import MediaPacket, coded_packet
from lightnvr.media.snapshot import to_rgb

if TYPE_CHECKING:
    import numpy as np

    from lightnvr.detection.pixels import Pixels
else:
    np = LateModule("numpy")

LUMA_WIDTH, LUMA_HEIGHT = 320, 180
"""Luma has about as many pixels: enough to see somebody who is a twentieth of the picture high."""


class Eye:
    """Makes the pictures of one stream for one detector. Used by one thread at a time."""

    def __init__(
        self,
        stream_id: int,
        stream_name: str,
        detector: Detector,
        wall_us: Callable[[int], int],
        *,
        every_picture: bool = False,
    ) -> None:
        """`wall_us` gives the time of recordings for a moment of the monotonic clock, in nanoseconds.

        With `every_picture` samples follow each other without a gap, and each needs those before it to be decoded.
        """
        self._stream_id = stream_id
        self._stream_name = stream_name
        self._detector = detector
        self._wall_us = wall_us
        self._every_picture = every_picture
        self._scaler = VideoReformatter()
        self._decoder: VideoCodecContext | None = None

    def see(self, sample: Sample) -> Picture | None:
        """Return the last picture of a sample, None when it comes only with a later one. Raises UndecodablePicture."""
        newest = sample.packets[-1]
        frame = self._decode_on(sample) if self._every_picture else self._decode(newest)
        if frame is None:
            return None
        try:
            pixels = self._pixels(frame)
        except av.FFmpegError as error:
            raise UndecodablePicture(str(error)) from error
        at_us = self._wall_us(newest.arrival_ns)
        return Picture(self._stream_id, self._stream_name, at_us, pixels, newest if newest.is_keyframe else None)

    def _decode(self, keyframe: MediaPacket) -> av.VideoFrame:
        if self._detector.wants_colour:
            return decode_keyframe(keyframe)
        return decode_keyframe(keyframe, rough=True, least_width=LUMA_WIDTH)

    def _decode_on(self, sample: Sample) -> av.VideoFrame | None:
        packets = sample.packets
        if sample.begins or self._decoder is None:
            self._decoder = None
            packets = tuple(itertools.dropwhile(lambda packet: not packet.is_keyframe, packets))
            if not packets:
                return None
        try:
            if self._decoder is None:
                self._decoder = open_decoder(packets[0].track, prompt=True)
            frame = None
            for packet in packets:
                frames = self._decoder.decode(coded_packet(packet.payload))
                frame = frames[-1] if frames else frame
        except (av.FFmpegError, ValueError) as error:
            # What builds on a damaged picture is damaged, and would look like motion.
            self._decoder = None
            raise UndecodablePicture(str(error)) from error
        return frame

    def _pixels(self, frame: av.VideoFrame) -> "Pixels":
        wanted = self._detector.input_size
        if self._detector.wants_colour:
            width, height = (frame.width, frame.height) if wanted is None else _within(frame, *wanted)
            return to_rgb(frame, width, height, self._scaler).to_ndarray().astype(np.uint8, copy=False)
        width, height = _as_many(frame, LUMA_WIDTH * LUMA_HEIGHT) if wanted is None else _within(frame, *wanted)
        # Only the plane of luma is touched; the scaler of FFmpeg was measured to be faster than that of OpenCV.
        grey = self._scaler.reformat(frame, width, height, "gray", interpolation=Interpolation.AREA, threads=1)
        return grey.to_ndarray().astype(np.uint8, copy=False)


def _within(frame: av.VideoFrame, width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, width / frame.width, height / frame.height)
    return max(1, round(frame.width * scale)), max(1, round(frame.height * scale))


def _as_many(frame: av.VideoFrame, pixels: int) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(pixels / (frame.width * frame.height)))
    return max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
