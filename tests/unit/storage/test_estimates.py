"""The table of docs/storage.md says what a disk of 4 TB really holds."""

import re
from pathlib import Path

_TEXT = (Path(__file__).parents[3] / "docs/storage.md").read_text()
_KEPT_BYTES = 4e12 * 0.9


def _days(cameras: int, mbit: int) -> float:
    return _KEPT_BYTES / (cameras * mbit * 1e6 / 8 * 86_400)


def test_the_days_are_computed() -> None:
    rates = [int(rate) for rate in re.findall(r"\| (\d+) Mbit/s", _TEXT)]
    rows = re.findall(r"^\| (\d+) \| ([\d. |]+) \|$", _TEXT, re.MULTILINE)
    assert (len(rates), len(rows)) == (4, 7)
    for cameras, cells in rows:
        for rate, cell in zip(rates, cells.split(" | "), strict=True):
            assert abs(float(cell) - _days(int(cameras), rate)) <= (0.5 if float(cell) >= 10 else 0.05)
    assert abs(4 * 83 - _days(1, 1)) < 2
