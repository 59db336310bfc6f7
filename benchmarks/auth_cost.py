"""Milliseconds that it costs to say who one is: with a session, an API key, or Basic, beside the same without.

Measured around the whole ASGI application, without a network. Requests of all kinds take turns. Credentials are looked
up once a second; what that costs is measured apart, with requests that are the first in their second.
"""

import argparse
import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI

from benchmarks.api_in_process import PASSWORD, api_key, api_on, ask
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened
from benchmarks.table import Table, percentile, verdict
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal

_TARGET_MS = 0.3
_PATH = "/api/ice-servers"
_NONE = "none needed (authentication off)"


def main() -> None:
    """Run and print."""
    options = parser("auth_cost", __doc__)
    options.add_argument("--requests", type=positive, default=3000, help="of each kind")
    options.add_argument("--seconds", type=positive, default=20, help="with one first request of each kind")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        taken = asyncio.run(_measure(arguments, folder))
    report(_table(arguments, taken), arguments)


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds by kind of credentials: of all requests, of those that were the first in their second, of argon2."""

    every: dict[str, list[float]]
    first_in_second: dict[str, list[float]]
    first_basic_ms: float


async def _measure(arguments: argparse.Namespace, folder: Path) -> Taken:
    url = database_url("", folder / "lightnvr.db")
    await migrate(url)
    database, opened = open_database(url), OpenRecordings()
    try:
        library = RecordingLibrary(database, opened, Removal(database, OsDisk(), opened, lambda: 0))
        key = await api_key(database, folder)
        guarded = api_on(database, library, folder)
        open_to_all = api_on(database, library, folder, auth_enabled=False)
        basic = {"authorization": f"Basic {base64.b64encode(f'benchmark:{PASSWORD}'.encode()).decode()}"}
        kinds: dict[str, tuple[FastAPI, Mapping[str, str]]] = {
            _NONE: (open_to_all, {}),
            "session": (guarded, {"cookie": f"session={await _session(guarded)}"}),
            "API key": (guarded, {"x-api-key": key}),
            "Basic": (guarded, basic),
        }
        first_basic_ms = await _one(*kinds["Basic"])
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(arguments.requests):
            for name, (app, headers) in kinds.items():
                taken[name].append(await _one(app, headers))
        say("; ".join(f"{name} {percentile(times, 50):.3f} ms" for name, times in taken.items()))
        first: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(arguments.seconds):
            await asyncio.sleep(1 - time.time() % 1)
            for name, (app, headers) in kinds.items():
                first[name].append(await _one(app, headers))
        return Taken(taken, first, first_basic_ms)
    finally:
        await database.close()


async def _session(app: FastAPI) -> str:
    body = json.dumps({"username": "benchmark", "password": PASSWORD}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    answer = await ask(app, "POST", "/api/auth/login", {}, headers, body)
    cookies = [value.decode() for name, value in answer.headers if name.lower() == b"set-cookie"]
    for cookie in cookies:
        name, _, value = cookie.partition(";")[0].partition("=")
        if name == "session":
            return value
    raise NeverHappened(f"The login answered {answer.status} and gave no session.")


async def _one(app: FastAPI, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    answer = await ask(app, "GET", _PATH, {}, headers)
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status != HTTPStatus.OK:
        raise NeverHappened(f"{_PATH} answered {answer.status}.")
    return took_ms


def _table(arguments: argparse.Namespace, taken: Taken) -> Table:
    rows: list[tuple[str, ...]] = []
    for heading, times in (("", taken.every), (", first in its second", taken.first_in_second)):
        without = percentile(times[_NONE], 50)
        rows.append((_NONE + heading, f"{without:.3f}", f"{percentile(times[_NONE], 95):.3f}", "", "", ""))
        for name in ("session", "API key", "Basic"):
            more = percentile(times[name], 50) - without
            target = () if heading else (f"≤ {_TARGET_MS:g} ms", verdict(more, _TARGET_MS))
            cells = (f"{percentile(times[name], 50):.3f}", f"{percentile(times[name], 95):.3f}", f"{more:.3f}")
            rows.append((name + heading, *cells, *(target or ("", ""))))
    rows.append(("Basic for the first time (argon2)", f"{taken.first_basic_ms:.1f}", "", "", "", ""))
    notes = (
        f"{arguments.requests} requests of each kind to {_PATH}, in turns; milliseconds. Then {arguments.seconds} of "
        "each kind that are the first in their second, for which the database is asked."
    )
    return Table("Cost of authentication", ("credentials", "p50", "p95", "more", "target", ""), tuple(rows), notes)


if __name__ == "__main__":
    main()
