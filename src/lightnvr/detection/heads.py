"""What the numbers that a detection model gives mean: its head, recognised by the names and shapes of its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.suppression import Floats, suppress

_MOST_CANDIDATES = 2_000
MOST_FOUND = 100
LEAST_SCORE = 0.05
"""Below this nothing is worth looking at, whatever the threshold of a stream."""


class Head(StrEnum):
    """Kinds of output. Boxes are in pixels of the input or, as TensorFlow Lite has them, in fractions of it."""

    YOLO_V5 = "yolov5"
    """B x anchors x (centre x, y, width, height, object score, class scores)."""
    YOLO_V8 = "yolov8"
    """B x (centre x, y, width, height, class scores) x anchors; also YOLO 9, 11 and later."""
    YOLO_END = "yolo-nms"
    """B x N x (left, top, right, bottom, score, class): YOLO 10, and others with suppression inside."""
    YOLO_ROWS = "yolo-nms-rows"
    """N x (picture, left, top, right, bottom, class, score): YOLO 7 with suppression inside."""
    SEPARATE = "ssd"
    """Boxes, scores and classes (and their number) in outputs of their own: SSD and the like."""


class UnknownHead(ValueError):
    """The outputs are none that is known; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Output:
    """Name and shape of one output."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is in one picture: N x 4 corners (left, top, right, bottom) in pixels of the input, scores, classes."""

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the outputs of one model. `order` is where boxes, scores, classes and count are among them."""

    head: Head
    width: int
    height: int
    turned: bool = False
    """Whether the last two dimensions of the output have to be exchanged."""
    order: tuple[int, int, int, int | None] = (0, 0, 0, None)
    top_first: bool = False
    """Whether boxes of SSD are top, left, bottom, right."""

    def read(self, outputs: Sequence[Floats], pictures: int) -> list[Candidates]:
        """Return what is in each picture, the best first."""
        if self.head is Head.YOLO_ROWS:
            rows = outputs[0]
            return [self._ended(rows[rows[:, 0] == index][:, (1, 2, 3, 4, 6, 5)]) for index in range(pictures)]
        if self.head is Head.SEPARATE:
            return [self._separate(outputs, index) for index in range(pictures)]
        found: list[Candidates] = []
        for index in range(pictures):
            rows = outputs[0][index].T if self.turned else outputs[0][index]
            found.append(self._ended(rows) if self.head is Head.YOLO_END else self._raw(rows))
        return found

    def _raw(self, rows: Floats) -> Candidates:
        start = 5 if self.head is Head.YOLO_V5 else 4
        classes = rows[:, start:].argmax(axis=1)
        scores = rows[np.arange(len(rows)), start + classes]
        if start == 5:
            scores = scores * rows[:, 4]
        chosen = _worth_looking_at(scores)
        corners = np.empty((len(chosen), 4), np.float32)
        centre, half = rows[chosen, :2], rows[chosen, 2:4] / 2
        corners[:, :2], corners[:, 2:] = centre - half, centre + half
        return _best(self._in_pixels(corners), scores[chosen], classes[chosen])

    def _ended(self, rows: Floats) -> Candidates:
        chosen = _worth_looking_at(rows[:, 4])
        return _best(self._in_pixels(rows[chosen, :4]), rows[chosen, 4], _whole(rows[chosen, 5]))

    def _separate(self, outputs: Sequence[Floats], index: int) -> Candidates:
        boxes_at, scores_at, classes_at, count_at = self.order
        corners, scores = _of_picture(outputs[boxes_at], 2, index), _of_picture(outputs[scores_at], 1, index)
        classes = _of_picture(outputs[classes_at], 1, index)
        count = len(scores) if count_at is None else max(0, int(outputs[count_at].reshape(-1)[index]))
        corners, scores, classes = corners[:count], scores[:count], classes[:count]
        if self.top_first:
            corners = corners[:, (1, 0, 3, 2)]
        chosen = _worth_looking_at(scores)
        return _best(self._in_pixels(corners[chosen]), scores[chosen], _whole(classes[chosen]))

    def _in_pixels(self, corners: Floats) -> Floats:
        finite = corners[np.isfinite(corners)]
        if finite.size and float(np.abs(finite).max()) <= 2.0:
            # Fractions: as pixels they would be smaller than anything that can be seen.
            corners = corners * np.array((self.width, self.height) * 2, np.float32)
        return corners


def recognise(
    outputs: Sequence[Output], width: int, height: int, labels: int, *, channels_last: bool, end_to_end: bool
) -> Reading:
    """Return how to read outputs of these names and shapes (for one picture of `width` x `height` pixels).

    `labels` is how many are known, 0 for none. `end_to_end` is whether the model says of itself that suppression is
    inside. Raises UnknownHead.
    """
    if len(outputs) in {3, 4}:
        return _recognise_separate(outputs, width, height, channels_last=channels_last)
    shape = outputs[0].shape if len(outputs) == 1 else ()
    if len(shape) == 2 and shape[1] == 7:
        return Reading(Head.YOLO_ROWS, width, height)
    if len(shape) != 3:
        shown = ", ".join(f"{output.name} {list(output.shape)}" for output in outputs)
        raise UnknownHead(f"Its outputs are those of no detection model that is known: {shown}.")
    rows, columns = shape[1:]
    cells = sum((width // stride) * (height // stride) for stride in (8, 16, 32))
    if columns == 6 and (end_to_end or rows not in {cells, 3 * cells}):
        return Reading(Head.YOLO_END, width, height)
    # Of the two dimensions the values are those that fit the labels; boxes are more than values, mostly.
    fitting = {labels + 4, labels + 5} if labels else set()
    turned = rows in fitting if (rows in fitting) != (columns in fitting) else rows < columns
    values, anchors = (rows, columns) if turned else (columns, rows)
    if values == labels + 5 and labels and anchors != cells:
        return Reading(Head.YOLO_V5, width, height, turned)
    if values == labels + 4 and labels:
        return Reading(Head.YOLO_V8, width, height, turned)
    if labels and values > 5:
        raise UnknownHead(
            f"It has {labels} labels, but {values} values for each box: neither {labels + 4} nor {labels + 5}."
        )
    if values < 5:
        raise UnknownHead(f"It gives {values} values for each box; a detection model gives at least 5.")
    # Without labels: version 5 has three boxes for each cell and its values last, version 8 one and its values first.
    v5 = anchors == 3 * cells or (anchors != cells and not turned)
    return Reading(Head.YOLO_V5 if v5 and values > 5 else Head.YOLO_V8, width, height, turned)


def _recognise_separate(outputs: Sequence[Output], width: int, height: int, *, channels_last: bool) -> Reading:
    names = [output.name.lower() for output in outputs]

    def named(*words: str) -> int | None:
        return next((at for at, name in enumerate(names) if any(word in name for word in words)), None)

    boxes, scores = named("box"), named("score", "conf")
    classes, count = named("class", "label"), named("num", "count")
    if boxes is None or scores is None or classes is None or len({boxes, scores, classes}) < 3:
        raise UnknownHead(f"Its outputs do not say which are boxes, scores and classes: {', '.join(names)}.")
    if outputs[boxes].shape[-1:] != (4,):
        raise UnknownHead(f"Its boxes have the shape {list(outputs[boxes].shape)}, which does not end in 4.")
    return Reading(Head.SEPARATE, width, height, order=(boxes, scores, classes, count), top_first=channels_last)


def _worth_looking_at(scores: Floats) -> NDArray[np.int64]:
    # Scores that are not numbers compare as false, and go.
    chosen = np.flatnonzero((scores >= LEAST_SCORE) & (scores <= 1.001))
    if len(chosen) > _MOST_CANDIDATES:
        chosen = chosen[np.argpartition(-scores[chosen], _MOST_CANDIDATES)[:_MOST_CANDIDATES]]
    return chosen


def _best(corners: Floats, scores: Floats, classes: NDArray[np.int64]) -> Candidates:
    finite = np.isfinite(corners).all(axis=1)
    corners, scores, classes = corners[finite], scores[finite], classes[finite]
    kept = suppress(corners, scores, classes, MOST_FOUND)
    return Candidates(corners[kept], scores[kept], classes[kept])


def _of_picture(values: Floats, dimensions: int, index: int) -> Floats:
    return values[index] if values.ndim > dimensions else values


def _whole(values: Floats) -> NDArray[np.int64]:
    return np.nan_to_num(values, nan=-1, posinf=-1, neginf=-1).astype(np.int64)
