"""What /api/metrics says."""

import re
from collections.abc import Mapping

import httpx

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Metrics:
    """The samples of one page, by name and labels."""

    def __init__(self, text: str) -> None:
        self._samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = _SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            pairs = sorted((key, _unescaped(text)) for key, text in _LABEL.findall(labels or ""))
            self._samples[name, tuple(pairs)] = float(value)

    def value(self, name: str, **labels: str) -> float:
        """The sample with exactly these labels; 0 when it is not there."""
        return self._samples.get((name, tuple(sorted(labels.items()))), 0.0)

    def labels(self, name: str) -> list[Mapping[str, str]]:
        """The labels of every sample of this name."""
        return [dict(labels) for found, labels in self._samples if found == name]


async def metrics(client: httpx.AsyncClient) -> Metrics:
    """Ask for them."""
    answer = await client.get("/api/metrics")
    assert answer.status_code == 200, answer.text
    return Metrics(answer.text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPES[match[0]], text)
