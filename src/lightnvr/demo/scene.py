"""A moving landscape, drawn straight into YUV 4:2:0 so that no conversion is paid for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lightnvr.demo.lettering import text_mask
from lightnvr.demo.numbering import draw_number

Plane = npt.NDArray[np.uint8]
_GRAIN = 6


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a scene as (Y, U, V): the sky above, the sky at the horizon, the ground, and what moves."""

    zenith: tuple[int, int, int]
    horizon: tuple[int, int, int]
    ground: tuple[int, int, int]
    mover: tuple[int, int, int]


MORNING = Palette((110, 150, 118), (190, 122, 140), (92, 108, 118), (120, 90, 190))
NOON = Palette((135, 158, 106), (205, 134, 122), (120, 96, 120), (88, 180, 110))
EVENING = Palette((60, 145, 138), (150, 100, 172), (56, 118, 130), (170, 70, 160))
NIGHT = Palette((34, 146, 122), (74, 140, 126), (40, 124, 126), (190, 100, 140))


class Scene:
    """Frames of a loop of `frames` pictures: after the last one the first one fits.

    `frame(n)` gives shape (height x 3 / 2, width), the planes of yuv420p on top of each other.
    """

    def __init__(self, width: int, height: int, fps: int, frames: int, palette: Palette, *, seed: int = 1) -> None:
        self._width, self._height, self._fps, self._frames = width, height, fps, frames
        self._palette = palette
        rng = np.random.default_rng(seed)
        self._grain = rng.integers(0, _GRAIN, (height + 64, width + 64), dtype=np.uint8)
        self._offsets = rng.integers(0, 64, (frames, 2))
        self._background = self._landscape(rng)
        self._disc_masks = {radius: _disc(radius) for radius in (self._unit * 2, self._unit)}

    @property
    def _unit(self) -> int:
        return max(8, self._height // 22 & ~1)

    def frame(self, position: int, *, number: int | None = None) -> Plane:
        """The picture at a position in the loop; `number` is what its strip and counter say (default: the position)."""
        picture = self._background.copy()
        luma = picture[: self._height]
        down, right = (int(value) for value in self._offsets[position % self._frames])
        luma += self._grain[down : down + self._height, right : right + self._width]
        phase = position / self._frames
        unit, horizon = self._unit, self._height * 6 // 10
        self._put_disc(picture, phase * 1.0, horizon // 2, unit * 2, (225, 100, 146))
        for index, rounds in enumerate((2, 3)):
            row = horizon + unit * (3 + 4 * index)
            self._put_box(picture, (phase * rounds + 0.4 * index) % 1.0, row, unit * (4 + index), unit * 2)
        self._put_disc(picture, (1.5 - phase * 2) % 1.0, horizon - unit * 3, unit, (60, 128, 128))
        shown = position if number is None else number
        self._write(luma, shown)
        draw_number(luma, shown)
        return picture

    def _landscape(self, rng: np.random.Generator) -> Plane:
        height, width, horizon = self._height, self._width, self._height * 6 // 10
        picture = np.empty((height * 3 // 2, width), dtype=np.uint8)
        blend = np.clip(np.arange(height) / horizon, 0, 1)[:, None]
        for plane, (top, low, ground) in zip(
            _planes(picture, height, width),
            zip(self._palette.zenith, self._palette.horizon, self._palette.ground, strict=True),
            strict=True,
        ):
            rows = plane.shape[0]
            plane[:] = (top + (low - top) * blend[:: height // rows][:rows]).astype(np.uint8)
            plane[rows * 6 // 10 :] = ground
        luma = picture[:height]
        columns = np.arange(width)
        ridge = sum(
            np.sin(columns / width * 2 * np.pi * waves + rng.random() * 6) * height / (12 + 9 * waves)
            for waves in range(1, 6)
        )
        hills = np.arange(height)[:, None] > horizon - height / 14 - ridge
        luma[:horizon][hills[:horizon]] = max(16, self._palette.ground[0] - 20)
        texture = rng.integers(0, 24, (height - horizon, width // 8 + 1), dtype=np.uint8)
        luma[horizon:] += np.repeat(texture, 8, axis=1)[:, :width]
        return picture

    def _put_box(self, picture: Plane, phase: float, top: int, width: int, height: int) -> None:
        left = int(phase * (self._width + width)) - width & ~1
        for plane, value in zip(_planes(picture, self._height, self._width), self._palette.mover, strict=True):
            step = self._height // plane.shape[0]
            first, last = max(0, left // step), max(0, (left + width) // step)
            plane[top // step : (top + height) // step, first:last] = value

    def _put_disc(self, picture: Plane, phase: float, row: int, radius: int, colour: tuple[int, int, int]) -> None:
        column = int(radius + phase * (self._width - 4 * radius)) & ~1
        mask = self._disc_masks[radius]
        top = max(0, row - radius) & ~1
        for plane, value in zip(_planes(picture, self._height, self._width), colour, strict=True):
            step = self._height // plane.shape[0]
            small = mask[::step, ::step]
            area = plane[top // step :, column // step :][: small.shape[0], : small.shape[1]]
            area[small[: area.shape[0], : area.shape[1]]] = value

    def _write(self, luma: Plane, number: int) -> None:
        seconds, part = divmod(number, self._fps)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part * 100 // self._fps:02}"
        scale = max(2, self._height // 180)
        for line, text in enumerate((clock, f"#{number:07}")):
            mask = text_mask(text, scale)
            top = self._height - (2 - line) * 9 * scale - scale
            luma[top : top + mask.shape[0], 4 * scale : 4 * scale + mask.shape[1]][mask] = 235


def _planes(picture: Plane, height: int, width: int) -> tuple[Plane, Plane, Plane]:
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], chroma[0], chroma[1]


def _disc(radius: int) -> npt.NDArray[np.bool_]:
    across = np.arange(-radius, radius)
    return across[:, None] ** 2 + across[None, :] ** 2 <= radius**2
