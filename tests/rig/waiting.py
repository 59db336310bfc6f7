"""Waiting for what another thread does."""

import threading
from collections.abc import Callable

PATIENCE_S = 60.0
"""After this it will never happen."""


def until(condition: Callable[[], bool], what: str = "") -> None:
    """Return when the condition holds; fails when it does not come to hold."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.005)):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError(f"this never happened: {what or condition}")
