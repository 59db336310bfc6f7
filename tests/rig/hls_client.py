"""A player of HLS that checks everything it gets, and keeps what it would show."""

import io
from itertools import pairwise
from urllib.parse import urljoin

import av
import httpx
import numpy as np

from lightnvr.demo.numbering import frame_number
from tests.rig.hls_checker import HlsChecker
from tests.rig.hls_playlist import ListedSegment, MediaPlaylist


class HlsClient:
    """Follows one playlist of a server."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.client = client
        self.path = path
        self.checker = HlsChecker()
        self.media: dict[int, bytes] = {}
        """The content of every complete segment, by number."""
        self.inits: dict[str, bytes] = {}

    async def get(self, uri: str, **query: str | int) -> httpx.Response:
        """Ask for an address of the playlist."""
        return await self.client.get(urljoin(self.path, uri), params=query or None)

    async def reload(self, **query: str | int) -> MediaPlaylist:
        """Ask for the playlist, check it, and fetch the segments that are new."""
        known, _, ticket = self.path.partition("?")
        directives = {**query, **dict([ticket.split("=", 1)] if ticket else [])}
        answer = await self.client.get(known, params=directives)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
        assert "no-store" in answer.headers["cache-control"]
        playlist = self.checker.see(answer.text)
        for segment in playlist.complete:
            if segment.number not in self.media:
                await self._fetch(segment)
        return playlist

    async def next_part(self) -> MediaPlaylist:
        """Wait for the next part, as a low-latency player does."""
        latest = self.checker.latest or await self.reload()
        number, part = latest.next_part
        skip: dict[str, str | int] = {"_HLS_skip": "YES"}
        playlist = await self.reload(_HLS_msn=number, _HLS_part=part, **skip)
        assert playlist.next_part > (number, part), "the answer does not hold what it was to wait for"
        return playlist

    async def _fetch(self, segment: ListedSegment) -> None:
        if segment.init and segment.init not in self.inits:
            answer = await self.get(segment.init)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
            self.inits[segment.init] = answer.content
        answer = await self.get(segment.uri)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == ("video/iso.segment" if segment.init else "video/mp2t")
        assert answer.headers["cache-control"].startswith("private, max-age=")
        self.media[segment.number] = answer.content
        parts = [(await self.get(part.uri)).content for part in segment.parts]
        assert not parts or b"".join(parts) == answer.content, "a segment is not the sum of its parts"

    def runs(self) -> list[bytes]:
        """The media that was fetched, one file for each stretch without a discontinuity."""
        files: list[bytes] = []
        init = ""
        for number, content in sorted(self.media.items()):
            segment = self.checker.segments[number]
            if not files or segment.discontinuity or segment.init != init:
                init = segment.init
                files.append(self.inits[init] if init else b"")
            files[-1] += content
        return files

    def numbers(self) -> list[int | None]:
        """The numbers on all pictures, in the order a player shows them."""
        return [number for run in self.runs() for number in shown(run)]


def shown(media: bytes) -> list[int | None]:
    """Decode a file from memory; fails at the first thing that cannot be decoded."""
    with av.open(io.BytesIO(media), "r") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [frame_number(np.asarray(f.to_ndarray(format="gray"), np.uint8)) for f in container.decode(video=0)]


def heard(media: bytes) -> float:
    """How many seconds of sound a file holds."""
    with av.open(io.BytesIO(media), "r") as container:
        if not container.streams.audio:
            return 0.0
        return sum(frame.samples / frame.sample_rate for frame in container.decode(container.streams.audio[0]))


def consecutive(numbers: list[int | None]) -> bool:
    """Whether each picture is there, once, in its place. Films begin again at their end."""
    return None not in numbers and all(
        other == (one or 0) + 1 or (other == 0 and (one or 0) > 100) for one, other in pairwise(numbers)
    )
