"""The tables of docs/storage.md say what a disk of 4 TB really holds, and which disk 30 days need."""

import re
from pathlib import Path

from lightnvr.storage.forecast import days_held, disk_bytes

_TEXT = (Path(__file__).parents[3] / "docs/storage.md").read_text()
_KEPT_FREE_PCT = 10.0


def _table(title: str) -> tuple[list[int], list[tuple[int, list[float]]]]:
    """Return the rates in Mbit/s and, for each number of cameras, the cells of the table below a title."""
    text = _TEXT.split(f"**{title}**")[1].split("\n\n")[1]
    rates = [int(rate) for rate in re.findall(r"\| (\d+) Mbit/s", text)]
    rows = re.findall(r"^\| (\d+) \| ([\d. |]+) \|$", text, re.MULTILINE)
    return rates, [(int(cameras), [float(cell) for cell in cells.split(" | ")]) for cameras, cells in rows]


def _per_day(cameras: int, mbit: int) -> float:
    return cameras * mbit * 1e6 / 8 * 86_400


def test_the_days_are_computed() -> None:
    rates, rows = _table("Days that a disk of 4 TB holds")
    assert (len(rates), len(rows)) == (4, 7)
    for cameras, cells in rows:
        for rate, cell in zip(rates, cells, strict=True):
            days = days_held(4e12, _per_day(cameras, rate), _KEPT_FREE_PCT)
            assert abs(cell - days) <= (0.5 if cell >= 10 else 0.05)
    assert abs(4 * 83 - days_held(4e12, _per_day(1, 1), _KEPT_FREE_PCT)) < 2


def test_the_disks_are_computed() -> None:
    rates, rows = _table("Disk in TB for 30 days")
    assert (len(rates), len(rows)) == (4, 7)
    for cameras, cells in rows:
        for rate, cell in zip(rates, cells, strict=True):
            terabytes = disk_bytes(_per_day(cameras, rate), 30, _KEPT_FREE_PCT) / 1e12
            assert abs(cell - terabytes) <= (0.5 if cell >= 20 else 0.05 if cell >= 1 else 0.005), (cameras, rate)
