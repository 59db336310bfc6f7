"""What a detection model is, whatever runs it: a picture goes in, numbers come out, and how to read them is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.heads import Output, Reading, UnknownHead, recognise
from lightnvr.detection.models_folder import UnusableModel
from lightnvr.detection.suppression import Floats

LARGEST_FILE = 512 * 1024 * 1024
_LONGEST_SIDE = 4096


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What a model looks at: `pictures` at once, at most, of this size in pixels."""

    width: int
    height: int
    channels_last: bool
    pictures: int


class Model(Protocol):
    """A loaded model. Used by one thread at a time."""

    input: ModelInput
    labels: tuple[str, ...]
    reading: Reading

    def run(self, canvases: NDArray[np.uint8]) -> Sequence[Floats]:
        """Look at pictures, B x height x width x 3, as many as `input` says at most. Raises UnusableModel."""
        ...


def read_model(path: Path) -> bytes:
    """Return the content of a file. Raises UnusableModel."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UnusableModel(f"{path.name} has {size // 2**20} MB; models have {LARGEST_FILE // 2**20} MB at most.")
        return path.read_bytes()
    except OSError as error:
        raise UnusableModel(f"{path.name} cannot be read: {error.strerror or error}.") from None


def model_input(shape: Sequence[int | str | None], usual_side: int, most_pictures: int) -> ModelInput:
    """Return what an input of this shape looks at. Dimensions that are no numbers may be anything.

    Raises UnusableModel.
    """
    if len(shape) != 4:
        raise UnusableModel("A detection model has one input of four dimensions; this one has others.")
    channels_last = shape[3] == 3 and shape[1] != 3
    if not channels_last and shape[1] != 3:
        raise UnusableModel(f"Its input has the shape {list(shape)}, not three colours.")
    high, wide = shape[1:3] if channels_last else shape[2:4]
    height, width = (side if isinstance(side, int) and side > 0 else usual_side for side in (high, wide))
    if max(height, width) > _LONGEST_SIDE:
        raise UnusableModel(f"Its input has {width} x {height} pixels; {_LONGEST_SIDE} a side are the most.")
    batch = shape[0]
    if isinstance(batch, int) and batch > 1:
        raise UnusableModel(f"It wants {batch} pictures at once; export it with a batch of one or a dynamic one.")
    return ModelInput(width, height, channels_last, 1 if isinstance(batch, int) else most_pictures)


def reading_of(
    names: Sequence[str], outputs: Sequence[Floats], given: ModelInput, labels: int, *, end_to_end: bool = False
) -> Reading:
    """Return how to read the outputs of a model, of which one black picture gave these. Raises UnusableModel."""
    try:
        reading = recognise(
            [Output(name, value.shape) for name, value in zip(names, outputs, strict=True)],
            given.width,
            given.height,
            labels,
            channels_last=given.channels_last,
            end_to_end=end_to_end,
        )
        reading.read(outputs, 1)
    except UnknownHead as error:
        raise UnusableModel(str(error)) from None
    except (ValueError, IndexError, TypeError) as error:
        raise UnusableModel(f"What it gives cannot be read as boxes: {error}.") from error
    return reading


def first_line(error: Exception) -> str:
    """Return the first line of what a library says of an error."""
    return str(error).strip().partition("\n")[0][:300]
