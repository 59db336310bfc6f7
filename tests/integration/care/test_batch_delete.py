"""Many recordings are deleted at once: the ones that were named, and no others."""

import asyncio

import pytest

from tests.rig.care import Keeping, seen
from tests.rig.fake_time import NOON_US
from tests.rig.finished import media_files, rows_and_files_agree
from tests.rig.nvr import PATIENCE_S, Row

pytestmark = pytest.mark.anyio
_QUARTER_US = 900_000_000


async def _done(kept: Keeping, body: dict[str, object]) -> Row:
    """Start a deletion and wait for its end."""
    started = await kept.client.post("/api/recordings/batch-delete", json=body)
    assert started.status_code == 202, started.text
    answer: Row = started.json()
    assert answer["status"] == "started"
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE_S
    while not (progress := await kept.get(f"/batch-delete/progress/{answer['job_id']}"))["complete"]:
        assert loop.time() < ends, progress
        await asyncio.sleep(0.02)
    assert progress["job_id"] == answer["job_id"]
    return progress


async def test_ids_are_deleted_with_their_files_and_what_stays_is_counted(kept: Keeping) -> None:
    ids = await kept.keep(120)
    await kept.client.put(f"/api/recordings/{ids[3]}/protect", json={"protected": True})
    progress = await _done(kept, {"ids": [*ids[:110], ids[0], 9999], "totalCount": 110})
    assert {member: progress[member] for member in ("status", "total", "current", "succeeded", "failed")} == {
        "status": "complete",
        "total": 111,
        "current": 111,
        "succeeded": 109,
        "failed": 2,
    }
    assert progress["status_message"] == "Batch delete operation complete"
    assert progress["error_message"] == ""
    assert await kept.listed(order="asc") == [ids[3], *ids[110:]]
    assert await rows_and_files_agree(kept.database, kept.nvr.root)
    assert len(media_files(kept.nvr.root)) == 11


async def test_a_filter_deletes_what_the_list_with_it_shows(kept: Keeping) -> None:
    doors, yards = await kept.keep(8), await kept.keep(8, stream="yard")
    await kept.client.post("/api/recordings/batch-tags", json={"ids": [*doors[:5], *yards[:5]], "add": ["t"]})
    await kept.marks.add_detections([seen("door", NOON_US + number * _QUARTER_US + 1, "cat") for number in range(4)])
    await kept.client.put(f"/api/recordings/{doors[1]}/protect", json={"protected": True})
    shown = await kept.listed(stream="door", tag="t", detection_label="cat", has_detection=1, start=NOON_US / 1e6 + 1)
    assert sorted(shown) == doors[1:4]
    wanted = {"stream_name": "door", "tag": "t", "detection": 1, "detection_label": "cat"}
    progress = await _done(kept, {"filter": {**wanted, "start": str(NOON_US / 1e6 + 1)}})
    assert (progress["total"], progress["succeeded"], progress["failed"]) == (3, 2, 1)
    assert sorted(await kept.listed()) == sorted({*doors, *yards} - {doors[2], doors[3]})
    progress = await _done(kept, {"filter": {"stream": "yard", "end": "2100-01-01", "capture_method": "continuous"}})
    assert progress["succeeded"] == 8
    assert await kept.listed(stream="yard") == []
    progress = await _done(kept, {"filter": {"tag": "nothing has it"}})
    assert (progress["status"], progress["total"]) == ("complete", 0)
    assert await rows_and_files_agree(kept.database, kept.nvr.root)


async def test_what_is_not_clear_deletes_nothing(kept: Keeping) -> None:
    ids = await kept.keep(2)
    refused: tuple[tuple[dict[str, object], str], ...] = (
        ({}, "ids or filter must be there"),
        ({"ids": []}, "ids "),
        ({"ids": "1"}, "ids "),
        ({"ids": ["1"]}, "ids "),
        ({"filter": {}}, "filter must say which"),
        ({"filter": {"protected": 0}}, "filter must say which"),
        ({"filter": {"protected": -1, "detection": 0}}, "filter must say which"),
        ({"filter": {"has_detection": 1}}, "filter "),
        ({"filter": {"stream_name": "door", "stram": "yard"}}, "filter "),
        ({"filter": {"stream_name": 5}}, "filter "),
        ({"filter": {"stream_name": ""}}, "stream_name must not be empty"),
        ({"filter": {"stream": " , "}}, "stream must not be empty"),
        ({"filter": {"tag": ""}}, "tag must not be empty"),
        ({"filter": {"detection": True}}, "filter "),
        ({"filter": {"detection": 2}}, "filter "),
        ({"filter": {"detection": "1"}}, "filter "),
        ({"filter": {"stream_name": "door", "protected": 1}}, "protected must be 0 or -1"),
        ({"filter": {"start": "soon"}}, "start must be a time"),
        ({"filter": {"end": 5}}, "filter "),
        ({"filter": {"capture_method": "never"}}, "capture_method must be some of"),
        ({"filter": []}, "filter "),
    )
    for body, said in refused:
        assert (await kept.refused("POST", "/batch-delete", json=body)).startswith(said), body
    assert await kept.listed(order="asc") == ids
