"""What was recorded day by day: over HTTP, and for `lightnvr plan`."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.api.conftest import Run
from tests.integration.api.running import RunningApi
from tests.integration.api.test_commands import add_camera

_DAY_US = 86_400_000_000
_ADD = "INSERT INTO recording_days (day, stream_name, recordings, size_bytes, recorded_us) VALUES (?, ?, ?, ?, ?)"


def _count(database: Path, *days: tuple[int, str, int, int, int]) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(_ADD, days)


def test_each_day_of_each_stream_is_told(api: RunningApi, tmp_path: Path) -> None:
    today = int(api.clock.seconds) // 86_400
    _count(
        tmp_path / "lightnvr.db",
        (today - 40, "door", 96, 1, 1),
        (today - 2, "door", 96, 21_600_000_000, _DAY_US),
        (today - 1, "door", 48, 10_800_000_000, _DAY_US // 2),
        (today, "door", 4, 900_000_000, _DAY_US // 24),
        (today - 1, "yard", 0, 0, 0),
    )
    with api.client("watcher") as client:
        body = client.get("/api/storage/daily", params={"days": 3}).raise_for_status().json()
    assert body["days"] == ["2026-07-30", "2026-07-31", "2026-08-01"]
    (door,) = body["streams"]
    assert door == {
        "stream": "door",
        "recordings": [96, 48, 4],
        "recorded_seconds": [86_400.0, 43_200.0, 3600.0],
        "bytes": [21_600_000_000, 10_800_000_000, 900_000_000],
        "bytes_per_day": 16.2e9,
        "bits_per_second": 2_000_000.0,
        "retention_days": 30,
        "needed_bytes": 486e9,
    }
    assert (body["bytes_per_day"], body["needed_bytes"]) == (16.2e9, 486e9)


@pytest.mark.parametrize(
    ("query", "status"), [({"days": 0}, 400), ({"days": 367}, 400), ({"days": "x"}, 400), ({"stream": "nobody"}, 404)]
)
def test_what_cannot_be_told_is_refused(api: RunningApi, query: dict[str, str | int], status: int) -> None:
    with api.client() as client:
        assert client.get("/api/storage/daily", params=query).status_code == status


def test_one_stream_can_be_asked_for(api: RunningApi, tmp_path: Path) -> None:
    today = int(api.clock.seconds) // 86_400
    with api.client() as client:
        client.post("/api/streams", json={"name": "yard", "url": "rtsp://10.0.0.1/"}).raise_for_status()
        _count(tmp_path / "lightnvr.db", (today, "door", 4, 9, 9), (today, "yard", 4, 9, 9))
        body = client.get("/api/storage/daily", params={"stream": "yard"}).raise_for_status().json()
    assert [stream["stream"] for stream in body["streams"]] == ["yard"]
    assert len(body["days"]) == 30


def test_plan_calculates_for_cameras_that_are_thought_of(run: Run) -> None:
    told = run("plan", "--cameras", "8", "--mbit", "2", "--disk", "4", "--days", "30")
    assert told.returncode == 0, told.stderr
    assert "8 cameras with 2 Mbit/s record 173 GB a day." in told.stdout
    assert "30 days need a disk of 5.8 TB, with 10 % of it kept free." in told.stdout
    assert "A disk of 4 TB holds 20.8 days" in told.stdout
    assert run("plan", "--cameras", "1", "--mbit", "2", "--hours", "12").stdout.startswith(
        "1 camera with 2 Mbit/s records 10.8 GB a day."
    )
    assert run("plan", "--cameras", "8").returncode == 2


def test_plan_takes_what_the_installation_recorded(run: Run, data: Path) -> None:
    nothing = run("plan")
    assert nothing.returncode == 1
    assert "Nothing was recorded here yet" in nothing.stderr
    add_camera(data, "rtsp://127.0.0.1:1/none")
    today = int(time.time()) // 86_400
    # A stream that was deleted is not planned for.
    _count(
        data / "lightnvr.db",
        (today - 1, "Front Door", 96, 21_600_000_000, _DAY_US),
        (today - 1, "gone", 96, 21_600_000_000, _DAY_US),
    )
    told = run("plan", "--days", "60", "--disk", "4")
    assert told.returncode == 0, told.stderr
    assert "Front Door" in told.stdout
    assert "gone" not in told.stdout
    assert "2.00" in told.stdout
    assert "What is kept takes 648 GB in the long run." in told.stdout
    assert "60 days need a disk of 1.4 TB" in told.stdout
    assert "A disk of 4 TB holds 167 days" in told.stdout
