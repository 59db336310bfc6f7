"""What goes wrong while settings are read."""

from collections.abc import Sequence


class InvalidSettings(Exception):
    """LightNVR cannot start with these settings. Each of `problems` is a sentence naming what to correct."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
