"""How long something takes that is done again and again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timing:
    """Counts how often it was done and how many seconds it took in all. Written by one thread, read by any."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count what is done in the context, also when it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - began
            self.count += 1
