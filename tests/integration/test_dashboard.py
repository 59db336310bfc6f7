"""The Grafana dashboard of the documentation: each of its queries names metrics that a server has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.cameras import camera
from tests.rig.metrics import metrics
from tests.rig.nvr import running_nvr

DASHBOARD = Path(__file__).parents[2] / "docs/grafana/lightnvr.json"
FUNCTIONS = {"sum", "min", "max", "by", "rate", "increase", "label_values"}


def queries() -> Iterator[str]:
    """Every query of the dashboard, those of its variables too."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (each["definition"] for each in dashboard["templating"]["list"] if "definition" in each)


def names(query: str) -> set[str]:
    """The metrics in a query: its words outside braces, brackets and labels."""
    outside = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)|, \w+\)", " ", query)
    return set(re.findall(r"[a-z_]{3,}", outside)) - FUNCTIONS


async def test_each_query_names_metrics_that_there_are(tmp_path: Path) -> None:
    async with camera() as cam, running_nvr(tmp_path) as nvr:
        stream = await nvr.add(cam.url)
        await stream.connected()
        found = await metrics(nvr.client)
    asked = {query: names(query) for query in queries()}
    assert len(asked) > 25
    assert all(asked.values())
    # Viewers are there only while somebody watches.
    missing = {name for of_query in asked.values() for name in of_query if not found.labels(name)}
    assert missing <= {"lightnvr_live_viewers"}


async def test_metrics_tell_what_comes_in_and_what_is_written(tmp_path: Path) -> None:
    async with camera() as cam, running_nvr(tmp_path) as nvr:
        stream = await nvr.add(cam.url, name="door")
        lost = await nvr.add("rtsp://127.0.0.1:9/nowhere", name="lost")
        await stream.connected()
        found = await metrics(nvr.client)
        while not (
            found.value("lightnvr_recording_fragments_total", stream="door") > 1
            and found.value("lightnvr_stream_error_total", stream="lost", type="io")
            and found.value("lightnvr_database_store_seconds_count")
        ):
            found = await metrics(nvr.client)
        health = {each["name"]: each for each in (await nvr.get("/api/health"))["streams_detail"]}
        samples: list[list[float]] = [[]]
        while not all(samples):
            drawn = (await nvr.client.get("/api/health", params={"sparklines": "1"})).json()["streams_detail"]
            samples = [each[chart] for each in drawn for chart in ("sparkline_fps", "sparkline_bitrate")]
    assert found.value("lightnvr_stream_frames_total", stream="door") > 5
    assert 0 < found.value("lightnvr_stream_connection_latency_ms", stream="door") < 60_000
    assert found.value("lightnvr_recording_bytes_written", stream="door") > 1000
    assert found.value("lightnvr_recording_segments_total", stream="door") == 1
    assert found.value("lightnvr_recording_gaps_total", stream="door") == 0
    assert found.value("lightnvr_recording_segments_total", stream="lost") == 0
    assert found.value("lightnvr_storage_up", storage="main") == 1
    assert found.value("lightnvr_storage_free_bytes", storage="main") > 0
    assert found.value("lightnvr_instance_memory_rss_bytes") > 10_000_000
    assert found.value("lightnvr_http_requests_total", status="2xx") > 1
    assert found.value("lightnvr_instance_streams_up") == 1
    assert health["door"]["frames_total"] > 5
    assert "sparkline_fps" not in health["door"]
    assert health[lost.name]["recording_gaps"] == 0
