"""Scenes in front of a camera whose truth is known: drawn, always the same, with weather, light and who walks by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lightnvr.recording.detection import Box

Luma = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody or something crosses the picture.

    Sizes are in fractions of the picture's height, `foot` in fractions of it from above, `speed` in pictures' widths a
    second, to the left when negative. `tone` is luma, `stripe` that of the upper half (a jacket).
    """

    begins_s: float
    speed: float
    foot: float
    height: float
    width: float
    tone: int = 40
    stripe: int = 150
    legs: bool = True

    def left(self, at_s: float, aspect: float) -> float:
        """Where its left edge is, in fractions of the picture's width."""
        wide = self.width / aspect
        gone = abs(self.speed) * (at_s - self.begins_s)
        return gone - wide if self.speed > 0 else 1 - gone

    def box(self, at_s: float, aspect: float) -> Box | None:
        """Where it is, cut off at the edges of the picture; None when it is not there."""
        left, wide = self.left(at_s, aspect), self.width / aspect
        right = left + wide
        if at_s < self.begins_s or right <= 0 or left >= 1:
            return None
        return Box(max(0.0, left), self.foot - self.height, min(1.0, right) - max(0.0, left), self.height)

    def is_whole(self, at_s: float, aspect: float) -> bool:
        """Whether all of it is in the picture."""
        left = self.left(at_s, aspect)
        return at_s >= self.begins_s and left >= 0 and left + self.width / aspect <= 1


@dataclass(frozen=True, slots=True)
class Scenery:
    """What there is besides those who pass: `noise` is the camera's, in steps of luma; times are in seconds."""

    night: bool = False
    noise: float = 2.0
    drops: int = 0
    """Streaks of rain in a picture."""
    rain_s: float = 0.0
    """When the rain begins."""
    wind: float = 0.0
    """How far branches sway, in thousandths of the picture's width."""
    switches_s: Sequence[float] = ()
    """When a lamp is switched on, off, on..."""
    clouds: bool = False
    infrared_s: float = math.inf
    """When the camera changes to infrared: leaves and grass are bright then, the sky is dark, all is noisy."""


@dataclass(frozen=True, slots=True)
class MotionScene:
    """A scene: what it is called, how long it is, what there is, who passes. `zone` is a polygon, empty for none."""

    name: str
    scenery: Scenery
    passes: Sequence[Pass]
    seconds: float = 120.0
    zone: Sequence[tuple[float, float]] = ()
    outside: Sequence[Pass] = field(default_factory=tuple)
    """Who passes outside of the zone, and does not count."""


class Painter:
    """Draws the luma of a scene at any moment; shape height x width."""

    def __init__(self, scene: MotionScene, width: int, height: int, seed: int = 7) -> None:
        """`seed` decides what is left to chance: textures of walls and leaves, where drops fall, the noise."""
        self._scene = scene
        self._width, self._height = width, height
        self._seed = seed
        rng = np.random.default_rng(seed)
        self._garden = _garden(rng, width, height)
        self._leaves = _texture(rng, width, height, 6) * 45 + _texture(rng, width, height, 3) * 25
        self._noise = [rng.normal(0, scene.scenery.noise, (height, width)).astype(np.float32) for _ in range(4)]
        self._lamp = _lamp(width, height)

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self._width / self._height

    def picture(self, at_s: float) -> Luma:
        """Return the picture at this moment, in seconds since the scene began."""
        scenery = self._scene.scenery
        rng = np.random.default_rng((self._seed, int(at_s * 1000)))
        picture = self._garden.copy()
        self._put_tree(picture, at_s)
        for walker in (*self._scene.passes, *self._scene.outside):
            self._put(picture, walker, at_s)
        if at_s >= scenery.infrared_s:
            picture = 255 - picture
        if scenery.night or at_s >= scenery.infrared_s:
            picture = picture * np.float32(0.28) + np.float32(22)
        self._shine(picture, at_s)
        if scenery.drops and at_s >= scenery.rain_s:
            self._rain(picture, rng)
        noise = self._noise[int(rng.integers(len(self._noise)))]
        if at_s >= scenery.infrared_s:
            noise = noise * np.float32(3)
        picture += np.roll(noise, (int(rng.integers(self._height)), int(rng.integers(self._width))), (0, 1))
        return np.clip(picture, 16, 235).astype(np.uint8)

    def _put(self, picture: Floats, walker: Pass, at_s: float) -> None:
        if walker.box(at_s, self.aspect) is None:
            return
        width, height = self._width, self._height
        left, wide = walker.left(at_s, self.aspect) * width, walker.width * height
        top, tall = (walker.foot - walker.height) * height, walker.height * height
        rows, columns = np.mgrid[max(0, int(top)) : min(height, int(top + tall) + 1), 0:width]
        across = (columns - left) / wide
        down = (rows - top) / tall
        if walker.legs:
            body = ((across - 0.5) / 0.5) ** 2 + ((down - 0.45) / 0.33) ** 2 < 1
            head = ((across - 0.5) / 0.3) ** 2 + ((down - 0.08) / 0.09) ** 2 < 1
            swing = 0.28 * math.sin(at_s * 2 * math.pi * 0.9)
            step = swing * (down - 0.6) / 0.4
            legs = (
                (down > 0.6)
                & (down < 1)
                & ((np.abs(across - 0.5 - step) < 0.14) | (np.abs(across - 0.5 + step) < 0.14))
            )
            shape = body | head | legs
        else:
            shape = (across > 0) & (across < 1) & ((down > 0.4) | ((across > 0.2) & (across < 0.8))) & (down < 1)
        area = picture[rows[0, 0] : rows[-1, 0] + 1]
        area[shape] = walker.tone
        area[shape & (down < 0.55)] = walker.stripe

    def _put_tree(self, picture: Floats, at_s: float) -> None:
        width, height = self._width, self._height
        left, right, bottom = int(width * 0.68), int(width * 0.97), int(height * 0.5)
        gust = 0.6 + 0.4 * math.sin(at_s * 0.37)
        band = max(4, height // 45)
        for row in range(0, bottom, band):
            sway = self._scene.scenery.wind / 1000 * width * gust
            shift = round(
                sway * math.sin(at_s * 2.1 + row / height * 9) + sway * 0.5 * math.sin(at_s * 5.3 + row * 0.05)
            )
            rows = slice(row, min(row + band, bottom))
            half = (right - left) / 2 * math.sin(math.pi * (row + band) / (bottom + band))
            middle = (left + right) // 2
            first, last = int(middle - half), int(middle + half)
            picture[rows, first + shift : last + shift] = 78 + self._leaves[rows, first:last]

    def _shine(self, picture: Floats, at_s: float) -> None:
        scenery = self._scene.scenery
        if sum(at_s >= switch for switch in scenery.switches_s) % 2:
            picture *= 1 + self._lamp
            picture += 14
        if scenery.clouds:
            shadow = np.clip(np.sin(np.arange(self._width) / self._width * 2.5 - at_s * 0.25) * 2, -1, 1)
            picture *= (0.86 + 0.14 * shadow + 0.1 * math.sin(at_s * 0.11)).astype(np.float32)[None, :]

    def _rain(self, picture: Floats, rng: np.random.Generator) -> None:
        scale = self._height / 720
        count = int(self._scene.scenery.drops)
        tops = rng.integers(0, self._height, count)
        lefts = rng.integers(0, self._width, count)
        lengths = (rng.integers(15, 55, count) * scale).astype(int) + 1
        bright = rng.integers(12, 45, count)
        for top, left, length, tone in zip(tops, lefts, lengths, bright, strict=True):
            rows = np.arange(top, min(top + length, self._height))
            columns = np.minimum(left + (rows - top) // 6, self._width - 1)
            picture[rows, columns] += tone
            if tone > 30:
                picture[rows, np.minimum(columns + 1, self._width - 1)] += tone


def _garden(rng: np.random.Generator, width: int, height: int) -> Floats:
    picture = np.empty((height, width), np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    picture[:] = 170 - 60 * rows
    horizon = int(height * 0.4)
    picture[horizon:] = 95 + 25 * rows[horizon:]
    picture[horizon:] += (_texture(rng, width, height, 4) * 14 + _texture(rng, width, height, 24) * 12)[horizon:]
    wall = picture[int(height * 0.15) : int(height * 0.62), int(width * 0.05) : int(width * 0.38)]
    wall[:] = 125
    wall += (_texture(rng, width, height, 5) * 8)[: wall.shape[0], : wall.shape[1]]
    wall[:: max(6, height // 48)] -= 22
    window = wall[wall.shape[0] // 4 : wall.shape[0] // 2, wall.shape[1] // 4 : wall.shape[1] // 2]
    window[:] = 60
    path = picture[int(height * 0.7) : int(height * 0.86)]
    path[:] = 140
    path += (_texture(rng, width, height, 3) * 6)[: path.shape[0]]
    return picture


def _texture(rng: np.random.Generator, width: int, height: int, grain: int) -> Floats:
    """Smooth noise of about unit size."""
    small = rng.normal(0, 1, (height // grain + 2, width // grain + 2)).astype(np.float32)
    rows, columns = np.arange(height) / grain, np.arange(width) / grain
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top).astype(np.float32)[:, None], (columns - left).astype(np.float32)[None, :]
    upper = small[top][:, left] * (1 - across) + small[top][:, left + 1] * across
    lower = small[top + 1][:, left] * (1 - across) + small[top + 1][:, left + 1] * across
    textured: Floats = upper * (1 - down) + lower * down
    return textured


def _lamp(width: int, height: int) -> Floats:
    rows, columns = np.mgrid[0:height, 0:width]
    distance = ((columns - width * 0.3) / width) ** 2 + ((rows - height * 0.35) / height) ** 2
    shine: Floats = (0.7 * np.exp(-distance / 0.12)).astype(np.float32)
    return shine


def _walks(foot: float, height: float, *begins_s: float, tone: int = 45, stripe: int = 170) -> list[Pass]:
    """Somebody who walks there and back: a person walks about 0.8 of their own height a second."""
    speed = 0.8 * height * 9 / 16
    return [
        Pass(begin, speed if index % 2 == 0 else -speed, foot, height, height * 0.32, tone, stripe)
        for index, begin in enumerate(begins_s)
    ]


_MID = _walks(0.80, 0.22, 24.0, 76.0)

SCENES: Sequence[MotionScene] = (
    MotionScene("quiet day", Scenery(), _MID),
    MotionScene("night noise", Scenery(night=True, noise=9.0), _walks(0.80, 0.22, 24.0, 76.0, tone=150, stripe=235)),
    MotionScene("rain", Scenery(drops=400, noise=3.0), _MID),
    MotionScene("light switch", Scenery(switches_s=(13.0, 47.0, 71.0, 113.0)), _MID),
    MotionScene("clouds", Scenery(clouds=True), _MID),
    MotionScene("moving branches", Scenery(wind=7.0), _MID),
    MotionScene("walker near", Scenery(), _walks(0.98, 0.75, 20.0, 50.0, 90.0)),
    MotionScene("small walker far away", Scenery(), _walks(0.47, 0.055, 14.0)),
    MotionScene("walker in rain", Scenery(drops=700, noise=4.0), _walks(0.80, 0.16, 20.0, 76.0)),
    MotionScene("rain that begins", Scenery(drops=500, noise=3.0, rain_s=31.0), _walks(0.80, 0.22, 16.0, 50.0, 80.0)),
    MotionScene("change to infrared", Scenery(infrared_s=47.0), _walks(0.80, 0.22, 20.0, 62.0, 90.0)),
    MotionScene("two far away", Scenery(), [*_walks(0.47, 0.055, 14.0), *_walks(0.5, 0.06, 34.0)]),
    MotionScene("walker among branches", Scenery(wind=7.0), _walks(0.5, 0.12, 14.0, 60.0)),
    MotionScene(
        "car passing",
        Scenery(),
        [
            Pass(begin, speed, 0.84, 0.2, 0.5, 60, 190, legs=False)
            for begin, speed in ((21, 0.2), (51, -0.3), (81, 0.15))
        ],
    ),
    MotionScene(
        "walker outside of the zone",
        Scenery(),
        _walks(0.96, 0.22, 70.0),
        zone=((0.0, 0.72), (1.0, 0.72), (1.0, 1.0), (0.0, 1.0)),
        outside=_walks(0.66, 0.2, 20.0),
    ),
)
