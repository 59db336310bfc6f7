"""200 clients that call the API for a minute, while cameras are recorded: how long they wait, and what is lost.

Everything goes over HTTP to a real server; the clients are threads of their own process, with connections they keep.
"""

import argparse
import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from benchmarks.cameras import camera_process
from benchmarks.continuity import Continuity, continuity
from benchmarks.mp4_file import recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import wait_until
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, percentile, verdict

_P99_MS = 250.0
_PROCESSES = 2
_CALLS = (
    "/api/streams",
    "/api/recordings?limit=20",
    "/api/health",
    "/api/streams/{name}",
    "/api/timeline/segments?stream={name}",
    "/api/recordings?limit=50&sort=size_bytes",
    "/api/storage/health",
    "/api/timeline/density?stream={name}",
    "/api/metrics",
    "/api/timeline/manifest?stream={name}",
)


@dataclass(slots=True)
class Load:
    """Seconds of each call, by path, and what was answered that is no success."""

    taken: dict[str, list[float]] = field(default_factory=lambda: {call: [] for call in _CALLS})
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Run and print."""
    options = parser("api_load", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--clients", type=positive, default=200)
    options.add_argument("--seconds", type=positive, default=60)
    options.add_argument("--every", type=float, default=2.0, help="seconds from one call of a client to its next")
    arguments = options.parse_args()
    with (
        workplace(arguments) as folder,
        camera_process(arguments.cache, arguments.cameras) as cameras,
        lightnvr_server(folder / "lightnvr") as server,
    ):
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        user = server.client.post(
            "/api/auth/users", json={"username": "load", "password": "a password for load", "role": 2}
        )
        key = server.client.post(f"/api/auth/users/{user.raise_for_status().json()['id']}/api-key")
        names = [camera.name for camera in cameras]
        wait_until(lambda: all(_plays(server, name) for name in names), "every camera can be played")
        loads = _run(server.url, key.raise_for_status().json()["api_key"], names, arguments)
        streams = server.client.get("/api/streams").raise_for_status().json()["streams"]
        dropped = sum(stream["dropped_packets"] for stream in streams)
        server.stop()
        say("decoding what was recorded meanwhile")
        found = sum((continuity(sorted(recordings_in(server.footage / name))) for name in names), Continuity())
    report(_table(arguments, loads, found, dropped), arguments)


def _plays(server: LightNvr, name: str) -> bool:
    return server.client.get("/api/timeline/manifest", params={"stream": name}).is_success


def _run(url: str, key: str, names: Sequence[str], arguments: argparse.Namespace) -> list[Load]:
    """Call from several processes, so that the clients wait for the server and not for each other."""
    context = multiprocessing.get_context("spawn")
    each = -(-arguments.clients // _PROCESSES)
    with context.Pool(_PROCESSES) as pool:
        jobs = [
            (url, key, tuple(names), each, number * each, arguments.seconds, arguments.every)
            for number in range(_PROCESSES)
        ]
        return pool.starmap(_clients, jobs)


def _clients(url: str, key: str, names: Sequence[str], count: int, first: int, seconds: float, pause_s: float) -> Load:
    import asyncio  # noqa: PLC0415 - in the process of the clients only

    load = Load()

    async def one(number: int, client: httpx.AsyncClient) -> None:
        calls = itertools.cycle(_CALLS[number % len(_CALLS) :] + _CALLS[: number % len(_CALLS)])
        name = names[number % len(names)]
        async with client:
            # Not all at the same moment, as no clients are.
            await asyncio.sleep(number * pause_s / count % pause_s)
            while time.monotonic() < until:
                call = next(calls)
                began = time.monotonic()
                try:
                    answer = await client.get(call.format(name=name))
                    if not answer.is_success:
                        load.errors.append(f"{call}: {answer.status_code}")
                except httpx.HTTPError as error:
                    load.errors.append(f"{call}: {error!r}")
                load.taken[call].append(time.monotonic() - began)
                await asyncio.sleep(max(0.0, began + pause_s - time.monotonic()))

    async def every(clients: Sequence[httpx.AsyncClient]) -> None:
        await asyncio.gather(*(one(first + number, client) for number, client in enumerate(clients)))

    # To make a client takes 20 ms: those whose turn has come meanwhile would all call at once, again and again.
    made = [_client(url, key) for _ in range(count)]
    until = time.monotonic() + seconds
    asyncio.run(every(made))
    return load


def _client(url: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=60, trust_env=False)


def _table(arguments: argparse.Namespace, loads: Sequence[Load], found: Continuity, dropped: int) -> Table:
    rows: list[tuple[str, ...]] = []
    every: list[float] = []
    for call in _CALLS:
        times = [taken * 1000 for load in loads for taken in load.taken[call]]
        every += times
        cells = (f"{percentile(times, share):.0f}" for share in (50, 95, 99))
        rows.append((call, str(len(times)), *cells, "", ""))
    p99 = percentile(every, 99)
    cells = (f"{percentile(every, share):.0f}" for share in (50, 95, 99))
    rows.append(("all", str(len(every)), *cells, f"p99 ≤ {_P99_MS:g} ms", verdict(p99, _P99_MS)))
    errors = [error for load in loads for error in load.errors]
    for error, count in Counter(errors).most_common(10):
        say(f"{count} times {error}")
    rows.append(("answers that are no success", str(len(errors)), "", "", "", "0", verdict(len(errors), 0)))
    missing = found.lost + found.doubled + found.unreadable
    rows.append(("pictures lost, doubled or unreadable", str(missing), "", "", "", "0", verdict(missing, 0)))
    rows.append(("packets dropped", str(dropped), "", "", "", "0", verdict(dropped, 0)))
    notes = (
        f"{arguments.clients} clients with an API key, each a call every {arguments.every:g} s, for {arguments.seconds}"
        f" s, while {arguments.cameras} cameras of 2 Mbit/s are recorded; milliseconds, seen by clients on the same "
        f"machine. {found.pictures} pictures were decoded."
    )
    return Table("200 clients", ("call", "times", "p50", "p95", "p99", "target", ""), tuple(rows), notes)


if __name__ == "__main__":
    main()
