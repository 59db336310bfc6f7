"""Recordings get tags, and show what was detected while they were made."""

import pytest

from tests.rig.care import Keeping, seen
from tests.rig.fake_time import NOON_US

pytestmark = pytest.mark.anyio
_QUARTER_US = 900_000_000


async def test_tags_are_replaced_listed_and_part_of_the_recording(kept: Keeping) -> None:
    first, second = await kept.keep(2)
    answer = await kept.client.put(f"/api/recordings/{first}/tags", json={"tags": [" new ", "evidence", "new", ""]})
    assert (answer.status_code, answer.json()) == (200, {"id": first, "tags": ["evidence", "new"]})
    await kept.client.put(f"/api/recordings/{second}/tags", json={"tags": ["Ünïcode tag"]})
    assert await kept.get("/tags") == {"tags": ["evidence", "new", "Ünïcode tag"]}
    assert (await kept.get(f"/{first}"))["tags"] == ["evidence", "new"]
    rows = (await kept.get("", order="asc"))["recordings"]
    assert [row["tags"] for row in rows] == [["evidence", "new"], ["Ünïcode tag"]]
    assert await kept.get(f"/{first}/tags") == {"id": first, "tags": ["evidence", "new"]}
    await kept.client.put(f"/api/recordings/{first}/tags", json={"tags": ["other"]})
    assert await kept.get(f"/{first}/tags") == {"id": first, "tags": ["other"]}
    assert await kept.listed(tag="evidence") == []
    await kept.client.put(f"/api/recordings/{first}/tags", json={"tags": []})
    assert await kept.get("/tags") == {"tags": ["Ünïcode tag"]}


async def test_tags_of_many_are_added_then_taken_away_and_really_counted(kept: Keeping) -> None:
    first, second, third = await kept.keep(3)
    await kept.client.put(f"/api/recordings/{first}/tags", json={"tags": ["a", "old"]})
    body = {"ids": [first, second, second, 9999], "add": ["a", "b", "c"], "remove": ["c", "old", "never"]}
    answer = await kept.client.post("/api/recordings/batch-tags", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"recordings_count": 2, "tags_added": 3, "tags_removed": 1, "failed_ids": [9999]}
    tags = [(await kept.get(f"/{recording_id}"))["tags"] for recording_id in (first, second, third)]
    assert tags == [["a", "b"], ["a", "b"], []]
    assert await kept.listed(tag="b", order="asc") == [first, second]


async def test_bad_tags_are_refused_and_nothing_is_stored(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1)
    refused: tuple[tuple[object, str], ...] = (
        ("new", "tags must be a list of texts"),
        ([1], "tags must be a list of texts"),
        (["a,b"], "tags must not hold commas or control characters"),
        (["a\nb"], "tags must not hold commas or control characters"),
        (["ü" * 64], "tags must hold tags of at most 127 bytes"),
        ([str(number) for number in range(65)], "tags must hold 64 tags at most"),
    )
    for tags, said in refused:
        assert await kept.refused("PUT", f"/{recording_id}/tags", json={"tags": tags}) == said
        body = {"ids": [recording_id], "add": tags}
        assert (await kept.refused("POST", "/batch-tags", json=body)).startswith("add must")
    assert (await kept.get(f"/{recording_id}"))["tags"] == []


async def test_a_recording_has_no_more_than_64_tags(kept: Keeping) -> None:
    first, second = await kept.keep(2)
    await kept.client.put(f"/api/recordings/{first}/tags", json={"tags": [str(number) for number in range(64)]})
    body = {"ids": [second, first], "add": ["one more"]}
    assert "64 tags at most" in await kept.refused("POST", "/batch-tags", json=body)
    assert (await kept.get(f"/{second}"))["tags"] == []


async def test_tags_of_unknown_recordings_and_bad_lists_of_ids(kept: Keeping) -> None:
    for method in ("GET", "PUT"):
        answer = await kept.client.request(method, "/api/recordings/9999/tags", json={"tags": ["x"]})
        assert (answer.status_code, answer.json()["error"]) == (404, "Recording not found")
    for ids in (None, [], "1", ["1"], [0], [True], list(range(1, 10_002))):
        body = {"ids": ids, "add": ["x"]}
        assert (await kept.refused("POST", "/batch-tags", json=body)).startswith("ids ")
    assert await kept.refused("POST", "/batch-tags", json={"add": ["x"]}) == "ids is missing"


async def test_tags_go_with_the_recording(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1)
    await kept.client.put(f"/api/recordings/{recording_id}/tags", json={"tags": ["x"]})
    assert (await kept.client.delete(f"/api/recordings/{recording_id}")).status_code == 200
    assert await kept.get("/tags") == {"tags": []}
    assert await kept.listed(tag="x") == []


async def test_a_recording_shows_what_was_detected_in_its_time(kept: Keeping) -> None:
    first, second = await kept.keep(2)
    (other,) = await kept.keep(1, stream="yard")
    middle_us = NOON_US + _QUARTER_US // 2
    found = [seen("door", middle_us + number, "person") for number in range(3)]
    found += [seen("door", middle_us, "car"), seen("door", NOON_US - 1, "early")]
    # An event that goes on from one recording into the next is shown by both.
    found.append(seen("door", NOON_US + _QUARTER_US - 5, "dog", until_us=NOON_US + _QUARTER_US + 5))
    ids = await kept.marks.add_detections(found)
    assert len(set(ids)) == len(found)
    rows = {row["id"]: row for row in (await kept.get(""))["recordings"]}
    assert rows[first]["detection_labels"] == [
        {"label": "person", "count": 3},
        {"label": "car", "count": 1},
        {"label": "dog", "count": 1},
    ]
    assert rows[second]["detection_labels"] == [{"label": "dog", "count": 1}]
    assert rows[other]["detection_labels"] == []
    assert [rows[key]["has_detection"] for key in (first, second, other)] == [True, True, False]
    assert (await kept.get(f"/{first}"))["has_detection"] is True
    assert await kept.get("/detection-labels") == {"labels": ["car", "dog", "early", "person"]}


async def test_no_more_than_ten_labels_are_told(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1)
    await kept.marks.add_detections([seen("door", NOON_US + 1, f"label {number:02}") for number in range(12)])
    labels = (await kept.get(f"/{recording_id}"))["detection_labels"]
    assert [each["label"] for each in labels] == [f"label {number:02}" for number in range(10)]
    assert await kept.listed(detection_label="label 11") == [recording_id]


async def test_a_clip_has_a_detection_by_itself(kept: Keeping) -> None:
    (clip,) = await kept.keep(1, capture_method="detection")
    assert (await kept.get(f"/{clip}"))["has_detection"] is True
    assert await kept.listed(has_detection=1) == [clip]
