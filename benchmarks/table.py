"""The one table that a benchmark prints."""

import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text: `columns` heads every row of `rows`; `notes` are sentences that stand below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str

    def text(self) -> str:
        """Return the table for a terminal."""
        widths = [max(len(row[i]) for row in (self.columns, *self.rows)) for i in range(len(self.columns))]

        def line(cells: Sequence[str]) -> str:
            aligned = [
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            return "  ".join(aligned).rstrip()

        rule = "  ".join("-" * width for width in widths)
        return "\n".join(
            (self.title, "", line(self.columns), rule, *map(line, self.rows), "", *textwrap.wrap(self.notes, 120))
        )

    def markdown(self) -> str:
        """Return the table for a document, under a heading of the second level."""

        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = "|---|" + "---:|" * (len(self.columns) - 1)
        notes = textwrap.fill(self.notes, 120)
        return "\n".join((f"## {self.title}\n", line(self.columns), rule, *map(line, self.rows), "", notes))


def verdict(value: float, limit: float) -> str:
    """Return whether a value keeps to its limit, as a cell."""
    return "met" if value <= limit else "MISSED"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-percent * len(ordered) // 100) - 1)]


def listed(values: Sequence[float], form: str = ".2f") -> str:
    """Return values in the order they were measured, as a cell."""
    return " ".join(format(value, form) for value in values)


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
