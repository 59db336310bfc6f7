"""Non-maximum suppression: of boxes that overlap, the one with the best score stays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_OVERLAP = 0.45


def suppress(corners: Floats, scores: Floats, classes: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return which boxes stay, the best first, at most `most`. Boxes of different classes do not hide each other.

    `corners` is N x 4: left, top, right, bottom.
    """
    order = np.argsort(-scores, kind="stable")
    areas = np.maximum(0, corners[:, 2] - corners[:, 0]) * np.maximum(0, corners[:, 3] - corners[:, 1])
    kept: list[int] = []
    while order.size and len(kept) < most:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        low = np.maximum(corners[best, :2], corners[order, :2])
        high = np.minimum(corners[best, 2:], corners[order, 2:])
        shared = np.prod(np.maximum(0, high - low), axis=1)
        union = areas[best] + areas[order] - shared
        hidden = (shared > _OVERLAP * union) & (classes[order] == classes[best])
        order = order[~hidden]
    return np.array(kept, dtype=np.int64)
