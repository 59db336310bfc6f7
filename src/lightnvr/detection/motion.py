"""Built-in motion: what is not as usual in a picture, and was not so a moment ago.

Light is taken out first: each pixel is compared with its surroundings, and its distance from them is divided by how
much those vary. So neither brighter nor darker pictures, nor shadows of clouds, are motion. What is usual is learned
for each pixel: a mean, and how much it strays, which branches, rain and noise at night do more than walls.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.detector import Found, Picture, Pixels
from lightnvr.detection.zones import Zone
from lightnvr.recording.detection import Box

LABEL = "motion"

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_CELL = 8
