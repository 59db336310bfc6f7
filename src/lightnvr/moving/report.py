"""What was taken over, what was not and why."""

from collections import Counter, defaultdict
from collections.abc import Callable
from enum import StrEnum


class CannotMoveIn(Exception):
    """Nothing can be taken over; the text says why and what to do."""


class Thing(StrEnum):
    """What is taken over."""

    SETTING = "settings"
    STREAM = "streams"
    ZONE = "zones"
    USER = "users"
    DETECTION = "detections"
    RECORDING = "recordings"
    OTHER = "other"


class Report:
    """Counts, and tells as it goes: each thing that is left out is told at once, so that many need no memory.

    `tell` gets one line. Things that are taken over with a change count as taken over, and the change is told.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._taken: Counter[Thing] = Counter()
        self._present: Counter[Thing] = Counter()
        self._left: defaultdict[Thing, Counter[str]] = defaultdict(Counter)
        self._notes: list[str] = []

    def taken(self, thing: Thing, many: int = 1) -> None:
        """Note that things are taken over."""
        self._taken[thing] += many

    def present(self, thing: Thing, many: int = 1) -> None:
        """Note that things are there already, from an earlier run or otherwise, and stay as they are."""
        self._present[thing] += many

    def left(self, thing: Thing, what: str, reason: str) -> None:
        """Note that something is not taken over. `what` names it, `reason` is a sentence that many can share."""
        self._left[thing][reason] += 1
        self._tell(_in_one_line(f"not taken over: {what}: {reason}"))

    def changed(self, what: str, how: str) -> None:
        """Tell that something is taken over differently; it is not lost."""
        self._tell(_in_one_line(f"changed: {what}: {how}"))

    def progress(self, sentence: str) -> None:
        """Tell how far it is."""
        self._tell(sentence)

    def note(self, sentence: str) -> None:
        """Keep something that the owner should know, for the end."""
        self._notes.append(sentence)

    @property
    def is_complete(self) -> bool:
        """Whether everything was taken over."""
        return not self._left

    def count(self, thing: Thing) -> int:
        """Return how many were taken over in this run."""
        return self._taken[thing]

    @property
    def counts(self) -> str:
        """How many of what got into the database in this run, in a line; empty when nothing did."""
        stored = [thing for thing in Thing if self._taken[thing] and thing is not Thing.SETTING]
        return ", ".join(f"{thing} {self._taken[thing]}" for thing in stored)

    def lines(self, *, planned: bool) -> list[str]:
        """Return the summary. `planned`: it is still to be done."""
        verb = "would be taken over" if planned else "taken over"
        found = []
        for thing in Thing:
            taken, present = self._taken[thing], self._present[thing]
            left = self._left.get(thing, Counter())
            if taken or present or left:
                parts = [f"{taken} {verb}"]
                parts += [f"{present} there already"] if present else []
                parts += [f"{left.total()} not taken over"] if left else []
                found.append(f"{thing:12} {', '.join(parts)}")
                found += [f"{'':12}   {many} × {reason}" for reason, many in left.most_common()]
        return [*found, *(f"Note: {note}" for note in self._notes)]


def _in_one_line(line: str) -> str:
    """Return a line in which names and paths of the original cannot steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in line)
