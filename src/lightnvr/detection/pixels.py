"""Pixels of decoded pictures."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""Height x width x 3 (RGB) or height x width (luma)."""
