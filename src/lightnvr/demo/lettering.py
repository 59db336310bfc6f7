"""Digits for the clock and the frame counter in a scene, drawn from a 5 x 7 grid."""

import numpy as np
import numpy.typing as npt

_GRIDS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
    ":": "00000 00100 00100 00000 00100 00100 00000",
    ".": "00000 00000 00000 00000 00000 01100 01100",
    "#": "01010 01010 11111 01010 11111 01010 01010",
    " ": "00000 00000 00000 00000 00000 00000 00000",
}


def text_mask(text: str, scale: int) -> npt.NDArray[np.bool_]:
    """Where the letters of a text are, shape (7 x scale, 6 x scale x length). Knows digits, `:`, `.`, `#` and space."""
    letters = [np.array([[int(bit) for bit in row] + [0] for row in _GRIDS[c].split()], np.uint8) for c in text]
    return np.kron(np.hstack(letters), np.ones((scale, scale), np.uint8)).astype(np.bool_)
