"""A still picture out of a coded stream, as JPEG."""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from lightnvr.media.decoding import UndecodablePicture, decode_keyframe
from lightnvr.media.packets import MediaPacket

__all__ = ["PictureForm", "UndecodablePicture", "decode_keyframe", "encode_jpeg", "ready_jpeg", "to_rgb"]

_HUFFMAN_TABLES = b"\xff\xc4"
_IMAGE = b"\xff\xd8"
_STANDARD_LINES = 576
"""A camera that names no colours means BT.601 up to this height and BT.709 above, as players take it."""

_SAID_COLOURS = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 9: Colorspace.BT2020}
"""By matrix coefficients (H.273 table 4)."""


@dataclass(frozen=True, slots=True)
class PictureForm:
    """How a picture is wanted: sizes in pixels, None for that of the camera; quality from 1 to 100, None for any."""

    width: int | None = None
    height: int | None = None
    quality: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether any form will do."""
        return self.width is None and self.height is None and self.quality is None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height for a picture that has these.

        With one of them the other follows; a picture never becomes larger than it is.
        """
        if self.width is not None and self.height is not None:
            return min(width, self.width), min(height, self.height)
        scale = Fraction(1)
        if self.width is not None:
            scale = min(scale, Fraction(self.width, width))
        if self.height is not None:
            scale = min(scale, Fraction(self.height, height))
        return max(1, round(width * scale)), max(1, round(height * scale))


def encode_jpeg(frame: av.VideoFrame, width: int, height: int, quality: int) -> bytes:
    """Return a picture as JPEG (JFIF: full range, BT.601) of this size in pixels. Raises av.FFmpegError."""
    # Not `frame.reformat`: it keeps its scaler with the frame, which several threads make pictures of at a time.
    picture = VideoReformatter().reformat(
        frame,
        width,
        height,
        "yuvj420p",
        src_colorspace=_colours(frame),
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.AREA,
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, picture.format.name
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.qmin = encoder.qmax = _quantiser(quality)
    picture.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))


def to_rgb(frame: av.VideoFrame, width: int, height: int, reformatter: VideoReformatter) -> av.VideoFrame:
    """Return a picture in RGB of this size in pixels. Raises av.FFmpegError."""
    return reformatter.reformat(
        frame,
        width,
        height,
        "rgb24",
        src_colorspace=_colours(frame),
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.AREA,
        # FFmpeg would take one for each processor, from recording.
        threads=1,
    )


def ready_jpeg(keyframe: MediaPacket) -> bytes | None:
    """Return the picture of an MJPEG camera as it came, None when it is no JPEG that stands alone.

    Some cameras leave the Huffman tables away, which decoders of MJPEG know by heart and browsers do not.
    """
    if keyframe.track.codec != "mjpeg":
        return None
    content = bytes(keyframe.payload)
    return content if content.startswith(_IMAGE) and _HUFFMAN_TABLES in content else None


def _quantiser(quality: int) -> int:
    """Return FFmpeg's quantiser, 1 to 31, for a quality as the IJG's encoder counts it.

    The IJG scales its tables by 5000 / quality per cent below 50 and by 200 - 2 x quality above; FFmpeg's tables of
    about the same size are scaled by an eighth of the quantiser.
    """
    per_cent = 5000 / quality if quality < 50 else 200 - 2 * quality
    return min(31, max(1, round(per_cent * 8 / 100)))


def _colours(frame: av.VideoFrame) -> int:
    if frame.colorspace in _SAID_COLOURS:
        return _SAID_COLOURS[frame.colorspace]
    return Colorspace.ITU709 if frame.height > _STANDARD_LINES else Colorspace.ITU601


def _is_full_range(frame: av.VideoFrame) -> bool:
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
