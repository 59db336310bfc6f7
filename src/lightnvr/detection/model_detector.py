"""A model of the models folder as a detector: one for all streams that use it."""

from collections.abc import Sequence

import numpy as np

from lightnvr.detection.detector import DetectionFailed, Found, Picture
from lightnvr.detection.heads import Candidates
from lightnvr.detection.labels import label_of
from lightnvr.detection.letterbox import Letterbox
from lightnvr.detection.model import Model
from lightnvr.detection.models_folder import UnusableModel


class ModelDetector:
    """Looks at pictures with a model. Implements `Detector`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def wants_colour(self) -> bool:
        """See Detector."""
        return True

    @property
    def input_size(self) -> tuple[int, int] | None:
        """See Detector. Larger or other pictures are fitted in; those of just this shape need no more work."""
        return self._model.input.width, self._model.input.height

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        """See Detector."""
        found: list[Sequence[Found]] = []
        for start in range(0, len(pictures), self._model.input.pictures):
            found.extend(self._look(pictures[start : start + self._model.input.pictures]))
        return found

    def forget(self, stream_id: int) -> None:
        """See Detector. Nothing is remembered."""

    def interrupt(self) -> None:
        """See Detector. A picture takes a moment only."""

    def close(self) -> None:
        """See Detector. The memory of the model goes with this object."""

    def _look(self, pictures: Sequence[Picture]) -> list[Sequence[Found]]:
        width, height = self._model.input.width, self._model.input.height
        canvases = np.empty((len(pictures), height, width, 3), np.uint8)
        boxes: list[Letterbox] = []
        for picture, canvas in zip(pictures, canvases, strict=True):
            box = Letterbox.of(picture.pixels.shape[1], picture.pixels.shape[0], width, height)
            box.place(picture.pixels, canvas)
            boxes.append(box)
        try:
            read = self._model.reading.read(self._model.run(canvases), len(pictures))
        except UnusableModel as error:
            raise DetectionFailed(str(error)) from error
        except (ValueError, IndexError, TypeError) as error:
            raise DetectionFailed(f"What the model gives cannot be read as boxes: {error}.") from error
        return [self._found(candidates, box) for candidates, box in zip(read, boxes, strict=True)]

    def _found(self, candidates: Candidates, letterbox: Letterbox) -> list[Found]:
        found = [
            Found(
                label_of(self._model.labels, int(index)),
                min(1.0, float(score)),
                letterbox.box(*(float(value) for value in corners)),
            )
            for corners, score, index in zip(candidates.corners, candidates.scores, candidates.classes, strict=True)
        ]
        # Boxes of nothing but the grey around the picture have no size within it.
        return [item for item in found if item.box.width > 0 and item.box.height > 0]
