"""What may be deleted is found by indexes, and nothing that matters is overlooked."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from lightnvr.db.engine import Database
from lightnvr.recording import candidates
from lightnvr.recording.care import StoredCare
from lightnvr.recording.model import DAY_US, CaptureMethod, Tier
from tests.rig.fake_time import NOON_US
from tests.rig.finished import SIZE, keep
from tests.rig.recordings_database import recordings_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


async def _found(database: Database, stream: str, limit: int, now_us: int = NOON_US) -> list[int]:
    async with database.reading.connect() as connection:
        return sorted(each.id for each in await candidates.of_stream(connection, stream, limit, now_us))


async def test_the_oldest_of_each_kind_are_found_and_no_others(database: Database, tmp_path: Path) -> None:
    kinds: dict[tuple[Tier, CaptureMethod], list[int]] = {}
    for number, (tier, method) in enumerate(itertools.product(Tier, CaptureMethod)):
        start_us = NOON_US + number * DAY_US
        kinds[tier, method] = await keep(
            database, tmp_path, 3, start_us=start_us, tier=tier.value, capture_method=method.value
        )
    await keep(database, tmp_path, 2, start_us=NOON_US - DAY_US, protected=True)
    await keep(database, tmp_path, 2, start_us=NOON_US - 2 * DAY_US, complete=False)
    await keep(database, tmp_path, 2, stream="yard")
    assert await _found(database, "door", 2) == sorted(key for ids in kinds.values() for key in ids[:2])
    assert await _found(database, "none", 2) == []


async def test_what_has_an_age_of_its_own_is_found_when_it_is_over(database: Database, tmp_path: Path) -> None:
    ids = await keep(database, tmp_path, 60, start_us=NOON_US, override_days=0)
    late = await keep(database, tmp_path, 2, start_us=NOON_US + 9 * DAY_US, override_days=1)
    assert await _found(database, "door", 2, NOON_US + 10 * DAY_US) == [*ids[:40], late[0]]
    assert await _found(database, "door", 2, NOON_US + 11 * DAY_US) == [*ids[:40], *late]


async def test_clips_of_detections_are_important_from_the_beginning(database: Database, tmp_path: Path) -> None:
    await keep(database, tmp_path, 1, capture_method="detection")
    await keep(database, tmp_path, 1, start_us=NOON_US + DAY_US)
    async with database.reading.connect() as connection:
        found = await candidates.of_stream(connection, "door", 5, NOON_US)
        assert {each.tier for each in found if each.capture_method is CaptureMethod.DETECTION} == {Tier.IMPORTANT}
        assert {each.tier for each in found if each.capture_method is CaptureMethod.CONTINUOUS} == {Tier.STANDARD}
        assert await candidates.used_bytes(connection) == {"door": 2 * SIZE}


async def test_no_query_walks_over_all_recordings(database: Database, tmp_path: Path) -> None:
    await keep(database, tmp_path, 5)
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_more: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            statements.append((statement, values))

    event.listen(database.reading.sync_engine, "before_cursor_execute", note)
    await _found(database, "door", 5)
    async with database.reading.connect() as connection:
        await candidates.used_bytes(connection)
    await StoredCare(database).protected_page(None, offset=0, limit=5)
    await StoredCare(database).protected_page("door", offset=0, limit=5)
    event.remove(database.reading.sync_engine, "before_cursor_execute", note)
    assert len(statements) >= 7
    plans: list[str] = []
    async with database.reading.connect() as connection:
        for statement, values in statements:
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()  # type: ignore[arg-type]
            plans += [str(list(row)[3]) for row in rows]
    scans = [plan for plan in plans if plan.startswith("SCAN") and "recordings" in plan]
    assert all("ix_recordings_protected" in plan or "ix_recordings_open" in plan for plan in scans), scans
    assert not any("TEMP B-TREE FOR ORDER BY" in plan for plan in plans), plans
    searches = " ".join(plan for plan in plans if plan.startswith("SEARCH"))
    assert "ix_recordings_removable (stream_name=? AND tier=? AND capture_method=?)" in searches
    assert "ix_recordings_overridden (stream_name=?)" in searches
