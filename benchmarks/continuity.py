"""Whether anything is missing from recordings: between the pictures of files, and between the times of recordings."""

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.numbers import every_number
from lightnvr.demo.cameras import BENCHMARK_RECIPE

_JOINED_US = 2_000


@dataclass(frozen=True, slots=True)
class Continuity:
    """What was found in the files of one recorder."""

    rotations: int = 0
    pictures: int = 0
    unreadable: int = 0
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: "Continuity") -> "Continuity":
        return Continuity(
            self.rotations + other.rotations,
            self.pictures + other.pictures,
            self.unreadable + other.unreadable,
            self.lost + other.lost,
            self.doubled + other.doubled,
        )

    @property
    def is_perfect(self) -> bool:
        """Whether every picture is there once and can be read."""
        return not self.lost + self.doubled + self.unreadable


def continuity(files: Sequence[Path]) -> Continuity:
    """Decode the files of one benchmark camera, in order, and compare the numbers on the pictures."""
    numbers = [number for path in files for number in every_number(path)]
    lost = doubled = 0
    video = BENCHMARK_RECIPE.video
    film = BENCHMARK_RECIPE.seconds * (video.fps if video else 0)
    readable = [number for number in numbers if number is not None]
    for number, following in itertools.pairwise(readable):
        # Numbers come round again with the film: a step of more than half of it is one back.
        step = (following - number) % film
        if step == 0 or step > film // 2:
            doubled += film - step + 1 if step else 1
        else:
            lost += step - 1
    return Continuity(max(0, len(files) - 1), len(numbers), len(numbers) - len(readable), lost, doubled)


class SeenRecordings:
    """All recordings that were ever in a database, also those that are deleted meanwhile, if it is looked at often."""

    def __init__(self, database: Path, streams: Iterable[str]) -> None:
        self._database = database
        self._streams = tuple(streams)
        self._spans: dict[int, tuple[str, int, int]] = {}
        self._after_id = 0

    def begin_after_latest(self) -> None:
        """Leave out what is finished already."""
        with self._connected() as connection:
            query = "SELECT min(id) FROM recordings WHERE NOT complete"
            first_open = connection.execute(query).fetchone()[0]
            latest = connection.execute("SELECT max(id) FROM recordings").fetchone()[0]
        self._after_id = (latest or 0) if first_open is None else first_open - 1

    def look(self) -> None:
        """Note what is there now."""
        marks = ",".join("?" * len(self._streams))
        query = (
            "SELECT id, stream_name, start_us, end_us, complete FROM recordings"
            f" WHERE id > ? AND stream_name IN ({marks}) ORDER BY id"
        )
        with self._connected() as connection:
            rows = connection.execute(query, (self._after_id, *self._streams)).fetchall()
        for key, stream, start_us, end_us, _ in rows:
            self._spans[key] = stream, start_us, end_us
        # What is complete does not change any more; ids grow, so the first open one is where to look on.
        unfinished = [row[0] for row in rows if not row[4]]
        self._after_id = min(unfinished) - 1 if unfinished else max((row[0] for row in rows), default=self._after_id)

    def _connected(self) -> "closing[sqlite3.Connection]":
        return closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30))

    def __len__(self) -> int:
        return len(self._spans)

    def gaps_s(self) -> list[float]:
        """Return the seconds between recordings of the same stream that follow each other, where there are any."""
        of_stream: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for stream, start_us, end_us in self._spans.values():
            of_stream[stream].append((start_us, end_us))
        return [
            (following[0] - span[1]) / 1e6
            for spans in of_stream.values()
            for span, following in itertools.pairwise(sorted(spans))
            if following[0] - span[1] > _JOINED_US
        ]
