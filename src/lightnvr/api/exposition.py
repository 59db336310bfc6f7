"""The text format of Prometheus, version 0.0.4."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Family:
    """All samples of one metric. `text` says what it is, in one line."""

    name: str
    kind: Literal["gauge", "counter", "summary"]
    text: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, suffix: str = "", /, **labels: str) -> None:
        """Add a sample. A counter's name ends with `_total`, a summary's samples have the suffixes _sum and _count."""
        self.samples.append(f"{self.name}{suffix}{_labels(labels)} {_number(value)}")


def exposition(families: Iterable[Family]) -> str:
    """Return the page for these metrics."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.text}", f"# TYPE {family.name} {family.kind}", *family.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    return repr(float(value)) if math.isfinite(value) else "NaN"
