"""Fitting a picture into the square that a model looks at, and boxes back into the picture."""

from dataclasses import dataclass

import av
import numpy as np

from lightnvr.detection.pixels import Pixels
from lightnvr.recording.detection import Box

_GREY = 114
"""What YOLO models were trained to see around a picture."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture lies within a model's input; all in the input's pixels."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int, input_width: int, input_height: int) -> "Letterbox":
        """Fit a picture of `width` x `height` pixels in the middle, as large as possible and with its shape."""
        scale = min(input_width / width, input_height / height)
        inner_width = max(1, min(input_width, round(width * scale)))
        inner_height = max(1, min(input_height, round(height * scale)))
        return cls((input_width - inner_width) // 2, (input_height - inner_height) // 2, inner_width, inner_height)

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Return a box in the input, given by its corners, in fractions of the picture and cut off at its borders."""
        left, right = (_fraction((x - self.left) / self.width) for x in (x1, x2))
        top, bottom = (_fraction((y - self.top) / self.height) for y in (y1, y2))
        return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))

    def place(self, pixels: Pixels, canvas: Pixels) -> None:
        """Draw a picture, RGB or luma only, into an input of height x width x 3."""
        canvas[:] = _GREY
        height, width = pixels.shape[:2]
        if (width, height) != (self.width, self.height):
            form = "rgb24" if pixels.ndim == 3 else "gray"
            # Copied, not lent: FFmpeg's scaler may read 16 bytes beyond the end (AVFrame.data). It is scaled by this
            # thread alone, as otherwise there would be more threads than those that a model may use.
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=form)
            scaled = frame.reformat(self.width, self.height, interpolation="BILINEAR", threads=1).to_ndarray()
            pixels = scaled.astype(np.uint8, copy=False)
        if pixels.ndim == 2:
            pixels = pixels[:, :, np.newaxis]
        canvas[self.top : self.top + self.height, self.left : self.left + self.width] = pixels


def _fraction(value: float) -> float:
    return min(1.0, max(0.0, value))
