"""Segments of the timeline: chosen ones of any streams, and more than fit in one answer."""

import pytest

from tests.rig.care import Keeping, seen
from tests.rig.fake_time import NOON_US
from tests.rig.nvr import Row

pytestmark = pytest.mark.anyio
_PATH = "/api/timeline/segments-by-ids"


async def _chosen(kept: Keeping, ids: list[int]) -> Row:
    answer = await kept.client.post(_PATH, json={"ids": ids})
    assert answer.status_code == 200, answer.text
    body: Row = answer.json()
    return body


async def test_they_come_in_the_order_asked_for_each_once_and_unknown_ones_are_left_out(kept: Keeping) -> None:
    doors, yards = await kept.keep(2), await kept.keep(1, stream="yard", start_us=NOON_US - 3_600_000_000)
    await kept.marks.add_detections([seen("door", NOON_US + 1, "person")])
    told = await _chosen(kept, [doors[1], 999_999, yards[0], doors[0], doors[1]])
    assert [segment["id"] for segment in told["segments"]] == [doors[1], yards[0], doors[0]]
    assert [segment["stream"] for segment in told["segments"]] == ["door", "yard", "door"]
    assert [segment["has_detection"] for segment in told["segments"]] == [False, False, True]
    assert (told["segment_count"], told["multi_stream"], told["stream"]) == (3, True, "(selected)")
    of_yard, last = told["segments"][1], told["segments"][0]
    assert (told["start_time"], told["end_time"]) == (of_yard["start_time"], last["end_time"])
    assert told == {**await kept.nvr.get(_PATH, ids=f"{doors[1]},{yards[0]},{doors[0]}")}


async def test_none_of_them_there_is_an_empty_answer(kept: Keeping) -> None:
    told = await _chosen(kept, [1, 2])
    assert (told["segments"], told["segment_count"], told["start_time"], told["end_time"]) == ([], 0, "", "")


async def test_more_than_fit_in_an_address_are_found(kept: Keeping) -> None:
    ids = await kept.keep(3)
    unknown = list(range(10**12, 10**12 + 7000))
    told = await _chosen(kept, [ids[2], *unknown, ids[0]])
    assert [segment["id"] for segment in told["segments"]] == [ids[2], ids[0]]


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": []}, {"ids": "1,2"}, {"ids": [0]}, {"ids": ["1"]}, {"ids": [1.5]}, {"ids": [2**63]}, {"ids": [True]}],
)
async def test_what_are_no_ids_is_refused_by_name(kept: Keeping, body: Row) -> None:
    answer = await kept.client.post(_PATH, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith("ids")


_ROWS = """
INSERT INTO recordings (stream_name, storage_id, path, start_us, end_us, size_bytes, complete, codec, width, height,
  fps, capture_method, schedule_restricted, protected, damaged)
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
SELECT 'door', 1, 'mp4/door/' || n || '.mp4', ? + n * 5000000, ? + n * 5000000 + 5000000, 1, 1, 'h264', 16, 16,
  15.0, 'continuous', 0, 0, '' FROM numbers
"""


async def test_a_span_with_more_than_fit_in_one_answer_says_that_it_is_cut(kept: Keeping) -> None:
    most = 8640
    async with kept.database.writing.begin() as connection:
        await connection.exec_driver_sql(_ROWS, (most, NOON_US, NOON_US))
    span = {"stream": "door", "start": str(NOON_US // 10**6)}
    told = await kept.nvr.get("/api/timeline/segments", **span, end=str(NOON_US // 10**6 + most * 5 + 1))
    assert (told["segment_count"], told["truncated"]) == (most, True)
    starts = [segment["start_timestamp"] for segment in told["segments"]]
    assert starts == [NOON_US // 10**6 + 5 * number for number in range(most)]
    # What is left follows from where the answer ends.
    rest = await kept.nvr.get(
        "/api/timeline/segments", stream="door", start=str(starts[-1] + 5.5), end=str(starts[-1] + 100)
    )
    assert (rest["segment_count"], rest["truncated"]) == (1, False)
