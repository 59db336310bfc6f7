"""Requests for every row of the table of permissions."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote

_QUERY = dict.fromkeys(
    ("stream.mp4", "stream.ts", "stream.m3u8", "stream.mjpeg", "frame.jpeg", "webrtc", "ws"), "src"
) | dict.fromkeys(("timeline/segments", "timeline/manifest", "timeline/play", "timeline/density"), "stream")
"""By which parameter a path names its stream."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to put into a request: a stream's name, the id of a recording or a user, and what else a path has."""

    stream: str = "unknown"
    id: int = 4711
    others: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a method and a path."""

    name: str

    @property
    def method(self) -> str:
        """GET, POST, SOCKET..."""
        return self.name.split()[0]

    @property
    def path(self) -> str:
        """The path with its parameters in braces."""
        return self.name.split()[1]

    def address(self, asked: Asked) -> str:
        """Return the path and the query of a request."""
        values = {"name": asked.stream, "stream_name": asked.stream, "stream": asked.stream, "id": str(asked.id)}
        values |= asked.others

        def value(match: re.Match[str]) -> str:
            return quote(values.get(match[1], "0"), safe="")

        path = re.sub(r"\{(\w+)\}", value, self.path)
        parameter = _QUERY.get(self.path.removeprefix("/go2rtc").removeprefix("/api/"))
        if self.path == "/api/timeline/segments-by-ids":
            return f"{path}?ids={asked.id}"
        return f"{path}?{parameter}={quote(asked.stream)}" if parameter else path
