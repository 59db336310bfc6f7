"""Lists of recordings can be filtered by everything at once, and say what they do not understand."""

import pytest

from tests.rig.care import Keeping, seen
from tests.rig.fake_time import NOON_US

pytestmark = pytest.mark.anyio
_QUARTER_US = 900_000_000


async def test_each_filter_and_all_together(kept: Keeping) -> None:
    doors = await kept.keep(6)
    yards = await kept.keep(4, stream="yard, front")
    clips = await kept.keep(2, stream="gate", capture_method="detection")
    manual = await kept.keep(1, stream="shed", capture_method="manual")
    await kept.client.post("/api/recordings/batch-tags", json={"ids": [doors[0], doors[1], clips[0]], "add": ["a"]})
    await kept.client.post("/api/recordings/batch-tags", json={"ids": [doors[1], doors[2]], "add": ["b"]})
    await kept.client.post("/api/recordings/batch-protect", json={"ids": [doors[1], clips[0]], "protected": True})
    await kept.marks.add_detections(
        [
            seen("door", NOON_US + 1, "Person"),
            seen("door", NOON_US + _QUARTER_US + 1, "car"),
            seen("door", NOON_US + 4 * _QUARTER_US + 1, "personal computer"),
        ]
    )
    everything = {*doors, *yards, *clips, *manual}
    assert await kept.listed(tag="a", order="asc", sort="id") == [doors[0], doors[1], clips[0]]
    assert set(await kept.listed(tag="a, b")) == {doors[0], doors[1], doors[2], clips[0]}
    assert await kept.listed(tag="A") == []
    assert set(await kept.listed(detection_label="person")) == {doors[0], doors[4]}
    assert set(await kept.listed(detection_label="CAR,compu")) == {doors[1], doors[4]}
    assert await kept.listed(detection_label="%") == []
    assert set(await kept.listed(has_detection=1)) == {doors[0], doors[1], doors[4], *clips}
    assert set(await kept.listed(has_detection=-1)) == everything - {doors[0], doors[1], doors[4], *clips}
    assert set(await kept.listed(has_detection=0)) == everything
    assert set(await kept.listed(protected=1)) == {doors[1], clips[0]}
    assert set(await kept.listed(protected="false")) == everything - {doors[1], clips[0]}
    assert set(await kept.listed(capture_method="manual,detection")) == {*clips, *manual}
    assert await kept.listed(capture_method="scheduled") == []
    assert await kept.listed(stream="door,gate", tag="a", protected=1, has_detection=1, sort="id") == [
        clips[0],
        doors[1],
    ]
    assert await kept.listed(stream="door", tag="a,b", detection_label="car,person", protected=0) == [doors[0]]
    at_s = NOON_US // 1_000_000
    assert await kept.listed(tag="a,b", start=at_s + 900, end=at_s + 1800, stream="door") == [doors[2], doors[1]]
    assert await kept.listed(tag="a,b", start=at_s + 900.5, stream="door") == [doors[2]]


async def test_pages_of_a_filtered_list_follow_each_other_in_every_order(kept: Keeping) -> None:
    doors = await kept.keep(40, start_us=NOON_US - 20 * _QUARTER_US)
    yards = await kept.keep(40, stream="yard", start_us=NOON_US - 20 * _QUARTER_US)
    tagged = [*doors[::3], *yards[::2]]
    await kept.client.post("/api/recordings/batch-tags", json={"ids": tagged, "add": ["t"]})
    for sort in ("id", "stream_name", "start_time", "end_time", "size_bytes"):
        for order in ("asc", "desc"):
            every = await kept.listed(tag="t", sort=sort, order=order)
            assert set(every) == set(tagged)
            pages: list[int] = []
            for page in range(1, 6):
                answer = await kept.get("", tag="t", sort=sort, order=order, limit=9, page=page)
                assert answer["pagination"] == {"page": page, "pages": 4, "total": len(tagged), "limit": 9}
                pages += [row["id"] for row in answer["recordings"]]
            assert pages == every
    every = await kept.listed(tag="t")
    whole = await kept.get("", tag="t", limit="all")
    assert [row["id"] for row in whole["recordings"]] == every


async def test_what_a_filter_does_not_know_is_refused_by_name(kept: Keeping) -> None:
    for query, said in (
        ("has_detection=2", "has_detection must be one of"),
        ("has_detection=yes", "has_detection must be one of"),
        ("protected=maybe", "protected must be one of"),
        ("capture_method=continuous,never", "capture_method must be some of continuous, scheduled"),
        ("tag=%00", "tag must not hold control characters"),
        ("detection_label=a%0Ab", "detection_label must not hold control characters"),
        ("tag=" + ",".join(map(str, range(257))), "tag must hold 256 values at most"),
        ("start=2026-08-01T12:00:00%2B25:00", "start must be a time"),
        ("end=soon", "end must be a time"),
    ):
        assert (await kept.refused("GET", f"?{query}")).startswith(said)


async def test_parameters_that_are_not_known_are_ignored(kept: Keeping) -> None:
    ids = await kept.keep(2)
    assert await kept.listed(stream_name="nobody", order="asc") == ids


async def test_a_long_query_is_read_to_its_end(kept: Keeping) -> None:
    ids = await kept.keep(2)
    await kept.client.put(f"/api/recordings/{ids[1]}/tags", json={"tags": ["last"]})
    names = ",".join(f"{'x' * 100}{number}" for number in range(200))
    assert await kept.listed(tag=f"{names},last") == [ids[1]]
