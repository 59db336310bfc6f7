"""Milliseconds from asking for a moment of the archive to its first picture, decoded, as a player does it.

A real server on loopback; a player with a connection that is open already. It asks for the playlist from the moment on,
then for the init segment and the first byte range it names, and decodes until there is a picture.
"""

import argparse
import asyncio
import io
import random
import re
import time
from dataclasses import dataclass
from urllib.parse import urljoin

import av
import httpx

from benchmarks.archive import STREAM, Archive, make_archive
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened
from benchmarks.server import lightnvr_server
from benchmarks.table import Table, percentile, verdict

_TARGET_MS = 100.0
_MOST_REQUESTS = 3
_MANIFEST = "/api/timeline/manifest"
_FIRST = re.compile(r'#EXT-X-MAP:URI="([^"]+)".*?#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)', re.DOTALL)
_SPANS_US = {"an hour from the moment on": 3600 * 1_000_000, "a day from the moment on": 86_400 * 1_000_000}


@dataclass(frozen=True, slots=True)
class Seek:
    """One seek: milliseconds to the playlist and to the first picture, requests, and bytes of media."""

    playlist_ms: float
    picture_ms: float
    requests: int
    media_bytes: int


def main() -> None:
    """Run and print."""
    options = parser("seek", __doc__)
    options.add_argument("--days", type=positive, default=30)
    options.add_argument("--seeks", type=positive, default=200)
    options.add_argument("--seed", type=int, default=1, help="of the random moments")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        data = folder / "lightnvr"
        data.mkdir()
        end_us = (int(time.time()) - 3600) * 1_000_000
        archive = asyncio.run(make_archive(data, end_us, arguments.days))
        environment = {"LIGHTNVR_STORAGE_RETENTION_DAYS": "0", "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "false"}
        with lightnvr_server(data, environment) as server:
            server.start()
            found = {name: _seeks(arguments, server.client, archive, span) for name, span in _SPANS_US.items()}
            server.stop()
    report(_table(arguments, archive, found), arguments)


def _seeks(arguments: argparse.Namespace, client: httpx.Client, archive: Archive, span_us: int) -> list[Seek]:
    rng = random.Random(arguments.seed)
    found: list[Seek] = []
    for number in range(arguments.seeks + 1):
        at_us = rng.randrange(archive.start_us, archive.end_us - 10_000_000)
        seek = _seek(client, at_us, min(at_us + span_us, archive.end_us))
        # The first one logs in.
        found += [seek] if number else []
    say(f"first picture: p95 {percentile([seek.picture_ms for seek in found], 95):.1f} ms")
    return found


def _seek(client: httpx.Client, at_us: int, end_us: int) -> Seek:
    began = time.perf_counter()
    query = {"stream": STREAM, "start": f"{at_us / 1e6:.6f}", "end": f"{end_us / 1e6:.6f}"}
    playlist = client.get(_MANIFEST, params=query).raise_for_status().text
    playlist_ms = (time.perf_counter() - began) * 1000
    named = _FIRST.search(playlist)
    if named is None:
        raise NeverHappened(f"The playlist names nothing to play:\n{playlist[:1000]}")
    init, size, offset, media = named.group(1), int(named.group(2)), int(named.group(3)), named.group(4)
    head = client.get(urljoin(_MANIFEST, init)).raise_for_status().content
    wanted = {"Range": f"bytes={offset}-{offset + size - 1}"}
    body = client.get(urljoin(_MANIFEST, media), headers=wanted).raise_for_status().content
    with av.open(io.BytesIO(head + body), "r") as container:
        next(container.decode(video=0))
    return Seek(playlist_ms, (time.perf_counter() - began) * 1000, _MOST_REQUESTS, len(body))


def _table(arguments: argparse.Namespace, archive: Archive, found: dict[str, list[Seek]]) -> Table:
    rows = []
    for name, seeks in found.items():
        times = [seek.picture_ms for seek in seeks]
        rows.append(
            (
                name,
                f"{percentile([seek.playlist_ms for seek in seeks], 95):.1f}",
                f"{percentile(times, 50):.1f}",
                f"{percentile(times, 95):.1f}",
                f"{max(times):.1f}",
                str(max(seek.requests for seek in seeks)),
                f"≤ {_TARGET_MS:g} ms",
                verdict(percentile(times, 95), _TARGET_MS),
            )
        )
    notes = (
        f"{arguments.seeks} random moments of {arguments.days} days ({archive.recordings} recordings of 15 minutes, "
        "1280x720, 15 pictures a second, 2 Mbit/s, a keyframe every 2 s), in milliseconds. Requests: one playlist, one "
        "init segment, one byte range of about 6 s. The files are in the system's cache."
    )
    columns = ("playlist of", "playlist p95", "picture p50", "p95", "most", "requests", "target", "")
    return Table("Seeking in the archive", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
